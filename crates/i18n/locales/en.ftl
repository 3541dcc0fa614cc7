# English. Keys are grouped by page; the same word for one thing everywhere (glossary in the product notes).

## Frame

skip = Skip to the content
nav = Pages
nav-overview = Overview
nav-search = Messages
nav-rejections = Rejections
nav-servers = Servers
nav-coverage = Coverage
nav-help = Help
theme-auto = Theme: system
theme-light = Theme: light
theme-dark = Theme: dark
theme-change = Change the theme
foot-zone = Times in { $zone }
foot-counting = How we count
foot-keys = keys
keys-title = Keyboard
keys-search = Search
keys-chart = From bar to bar in a chart
keys-this = These keys
close = Close
copy-link = Copy link
copied = Copied
fix-period = Fix the period
fix-period-title = The same page with its period as fixed times, to be passed on
try-again = Try again
to-overview = To the overview
unknown = unknown
and-more = { $n ->
    [one] and { $n-shown } more
   *[other] and { $n-shown } more
}

## Filter bar

filter-period = Period
filter-search = Search
filter-placeholder = Address, domain, Message-ID, queue id, IP, or from: to: status: delay>30s
filter-apply = Show
filter-days = Between two days…
filter-from = From
filter-until = to
filter-active = Conditions in force
filter-remove = Remove { $term }
filter-remove-short = remove
clear-filter = Clear the search
filter-problems = { $n ->
    [one] One thing in this search cannot be understood:
   *[other] { $n-shown } things in this search cannot be understood:
}
problem-hint = Hint: { $hint }
period-1h = Last hour
period-24h = Last 24 hours
period-7d = Last 7 days
period-30d = Last 30 days
period-90d = Last 90 days
period-365d = Last 365 days
period-all = All that is stored
period-in-search = As the search says
period-days = { $n ->
    [one] Last { $n-shown } day
   *[other] Last { $n-shown } days
}
period-hours = { $n ->
    [one] Last hour
   *[other] Last { $n-shown } hours
}

## Counts

count-messages = { $n ->
    [one] { $n-shown } message
   *[other] { $n-shown } messages
}
count-deliveries = { $n ->
    [one] { $n-shown } delivery
   *[other] { $n-shown } deliveries
}
count-rejections = { $n ->
    [one] { $n-shown } rejection
   *[other] { $n-shown } rejections
}
count-lines = { $n ->
    [one] { $n-shown } line
   *[other] { $n-shown } lines
}
count-gaps = { $n ->
    [0] no gap
    [one] { $n-shown } gap
   *[other] { $n-shown } gaps
}
count-sources = { $n ->
    [one] { $n-shown } source
   *[other] { $n-shown } sources
}
count-attachments = { $n ->
    [0] no attachments
    [one] { $n-shown } attachment
   *[other] { $n-shown } attachments
}
content-title = What is inside
content-from = Header From
content-type = Media type
content-kind = Kind
content-list = mailing list
content-automatic = automatic
content-signed = signed
content-encrypted = encrypted
content-dkim = has a DKIM signature
content-cut = This message has more parts than are looked at: there may be more attachments.
column-attachment = Attachment
column-declared = Declared type
column-sniffed = Type by its first bytes
sniffed-nothing = not known
count-hops = { $n ->
    [one] { $n-shown } hop
   *[other] { $n-shown } hops
}
count-delivered = { $n-shown } delivered
count-forwarded = { $n-shown } forwarded
count-deferred = { $n-shown } waiting
count-held = { $n-shown } held
count-bounced = { $n-shown } bounced
count-expired = { $n-shown } expired
count-filtered = { $n-shown } filtered
count-discarded = { $n-shown } discarded
count-deleted = { $n-shown } deleted
count-rejected = { $n-shown } rejected

## Status

status-delivered = Delivered
status-forwarded = Forwarded
status-deferred = Deferred
status-held = Held
status-bounced = Bounced
status-expired = Expired
status-filtered = Filtered
status-discarded = Discarded
status-deleted = Deleted
status-rejected = Rejected

## Columns

column-time = Time
column-sender = Sender
column-recipient = Recipient
column-subject = Subject
column-status = Status
column-server = Server
column-delivery-time = Delivery time
column-size = Size
column-domain = Domain
column-reason = Reason
column-failed = Failed
column-course = Trend
column-client = Client
column-code = Code
column-reply = Reply
column-attempts = Attempts
recipients-more = +{ $n-shown }

## Overview

overview-title = Mail flow
tiles = Key figures
measure-messages = Messages
measure-deliveries = Deliveries
measure-rejections = Rejections
measure-delivered-share = Delivered
measure-deferred = Deferred
measure-rejected = Rejected
measure-delivery-median = Median delivery time
measure-volume = Volume
previous-period = period before: { $value }
points = { $n } pt
updated = updated { $time }
coverage-understood = { $share } known
coverage-last-line = last line { $time }
series-title = Deliveries over time
series-gap = no data
show-table = Show data as a table
flow-title = Where the mail goes
flow-note = Select a band or a bar to see its messages.
flow-origin = Origin
flow-first-server = First server
flow-last-server = Last server
flow-destination = Destination
flow-from = From
flow-to = To
flow-other = { $n ->
    [one] Other ({ $n-shown })
   *[other] Other ({ $n-shown })
}
flow-dropped = { $n ->
    [one] { $n-shown } passage runs in a circle and is not in the picture.
   *[other] { $n-shown } passages run in a circle and are not in the picture.
}
origin-internet = Internet
origin-local = Local processes
origin-user = Users
origin-server = Our servers
top-senders = Top senders
top-recipient-domains = Top recipient domains
top-reject-reasons = Reasons for rejection
see-all = See all ({ $n-shown })
ranking-empty = Nothing in this period.

## Messages

search-title = Messages
class-bounce = Bounce
class-probe = Probe
pager = List pages
pager-rows = { $first-shown }–{ $last-shown } of { $total-shown }
pager-first = First page
pager-next = Next page

## One message

message-title = Message without subject
message-arrival = Received
copy-ticket = Copy for the ticket
copy-lines = Copy the lines
ticket-title = Text for the ticket
path-title = Path
path-guessed = One step of this path is a guess (same Message-ID, nearly the same time). It is marked below.
hop-open = still there
hop-client = from { $client }
hop-previous = continues step { $step }
role-submission = handed in
role-arrival = arrived
role-relay = received
role-filter-return = back from the filter
role-again = taken again by the same server
role-redirect = sent on to another address
role-store = put into the mailbox
role-notice = notice made here
link-origin = first hop
link-previous-id = link: the server names the earlier queue id
link-filter-log = link: the filter logs both queue ids
link-reply = link: the reply names this queue id
link-redirect = link: redirect to another address
link-network-id = link: same network message id
link-message-id = link guessed: same Message-ID, nearly the same time
recipients-title = { $n ->
    [one] Recipient
   *[other] { $n-shown } recipients
}
recipient-original = sent to { $address }
lines-title = Log lines
lines-none = The lines are not stored any more; the facts above came from them.
sentence-nobody = Received, but the log names no recipient yet.
sentence-delivered = Delivered to { $to } at { $time }, { $took } after we received it.
sentence-delivered-untimed = Delivered to { $to }. How long that took is not known.
sentence-forwarded = Forwarded: { $to } was replaced by other addresses at { $time }.
sentence-deferred = { $attempts ->
    [0] Not delivered yet: it has been in the queue of { $server } for { $took }.
    [one] Not delivered yet: it has been waiting in the queue of { $server } for { $took }, after { $attempts-shown } attempt.
   *[other] Not delivered yet: it has been waiting in the queue of { $server } for { $took }, after { $attempts-shown } attempts.
}
sentence-held = Held in the queue of { $server } for { $took }: nobody tries until it is released.
sentence-bounced = Not delivered: refused for { $to } at { $time } and returned to the sender.
sentence-expired = Not delivered: { $server } gave up on { $to } at { $time }, after { $took }.
sentence-filtered = Not delivered: a filter kept the message to { $to } back at { $time }.
sentence-discarded = Not delivered: a rule discarded the message to { $to } at { $time }.
sentence-deleted = Not delivered: somebody removed it from the queue of { $server } at { $time }.
sentence-rejected = Not accepted: { $server } refused it for { $to } at { $time }.
sentence-many = { $n ->
    [one] { $n-shown } recipient: { $list }.
   *[other] { $n-shown } recipients: { $list }.
}
sentence-slowest = The slowest delivery took { $took }.

## Rejections

rejections-title = Rejections

## Servers

servers-title = Servers
servers-global = Global activity
servers-from-servers = Received from servers
servers-from-local = Received from local
servers-local-routing = Local routing
servers-to-servers = Sent to servers
servers-note = In messages; global activity is the sum of the four. A failed attempt counts in none.
servers-whole = This table counts all messages of the period, whatever the search says.

## Coverage

coverage-title = Coverage
coverage-sentence = { $sources }, { $lines } read, { $share } of them known, { $unknown } unknown; { $gaps }.
coverage-sources = Sources
coverage-span = First and last line
coverage-read = Read
coverage-understood-column = Known, used
coverage-ignored = Known, not needed
coverage-unknown = Unknown
coverage-open = Open messages
coverage-gaps = Gaps
coverage-gaps-note = Nothing was read in these times: figures miss what happened then.
coverage-hours = Lines per hour
coverage-hours-of = Lines per hour of { $server }
unknown-title = Unknown and experimental lines
unknown-note = By shape. Lines that Vigie cannot read yet; and, marked experimental, lines that it read by a shape which no public log proves.
unknown-none = None: every line is known.
unknown-example = One of them, from { $server }:

## Empty states and errors

empty-store-title = No logs read yet
empty-store-text = Vigie shows what mail servers write in their logs. Import a log file on the server:
empty-nothing-title = Nothing matches
empty-nothing-text = No mail in this period fits the search.
empty-stored = Stored is { $span }.
show-all-time = Show all that is stored
error-title = This did not work
error-filter-title = The search cannot be understood
help-filters = How to search
error-cursor-title = This place in the list does not exist any more
error-cursor-text = The list has changed since, or the address was shortened.
error-internal-title = The page could not be made
error-internal-text = { $what } The defect is ours. Reference for the administrator: { $reference }
error-address-title = { $n ->
    [one] A part of the address cannot be understood
   *[other] { $n-shown } parts of the address cannot be understood
}
error-address-name = “{ $name }” is not known; known are { $known }.
error-address-value = “{ $name }” cannot be “{ $value }”.
error-message-title = There is no such message
error-message-text = Its logs may have been deleted after their retention time, or never read.
error-page-title = There is no such page
error-page-text = The address may be mistyped.

## Help

help-title = Help
help-language = Search
help-language-text = Type what you know: an address, a domain, a Message-ID, a queue id, an IP address. Several conditions must all hold; “or”, “not” and parentheses work too, and * stands for any characters.
help-fields = Fields
help-field = Field
help-meaning = Meaning
help-values = Values
help-text-value = text; * for any characters
help-periods = Periods
help-periods-text = A search can say its own period. It takes the place of the period chosen beside it.
help-counting = How we count
example-address = everything from or to this address
example-domain = from one domain to another and those under it
example-failed = what came back
example-waiting = waiting for more than half an hour
example-subject = words of the subject, and large
example-server = over one server, without monitoring probes
example-dsn = unknown recipients, yesterday
example-or = one of two senders, and tried more than once
counting-message = A message is one submission or arrival into the organisation, whatever servers and filters it then crosses.
counting-delivery = A delivery is one recipient’s final outcome for one message. Attempts are kept, not counted.
counting-hop = A hop is one message at one server.
counting-time = Delivery time is the end of the last hop for a recipient minus the arrival at the first hop.
counting-class = Bounces and monitoring probes are classes of their own, never mixed in silently.
counting-filtered = What a filter quarantined or discarded is filtered, not delivered.
field-from = envelope sender; from:<> is the empty sender of a bounce
field-to = final recipient
field-orig = recipient as the sender wrote it, before aliases
field-subject = subject of the message
field-message-id = Message-ID, without its angle brackets
field-queue-id = queue id at any server of the path
field-id = id of the message in Vigie
field-server = a server on the path
field-entry = the first server that had the message
field-exit = the server that had the last word on the recipient
field-size = size of the message
field-recipients = number of recipients
field-delay = delivery time
field-status = outcome of the delivery
field-class = ordinary mail, bounce or monitoring probe
field-direction = which way the message crosses the organisation’s border
field-client = name or IP address of the client that submitted the message
field-ip = IP address of the client
field-helo = name that the client gave in HELO or EHLO
field-user = login of the submitter
field-relay = last next hop, its name or IP address
field-dsn = enhanced status code: 5.1.1, or 5 for all of 5.*
field-code = code of a refusal before the queue, such as 550
field-reason = words in the other server’s reply
field-hops = number of servers crossed
field-attempts = number of delivery attempts
field-tls = the log says that the connection was encrypted; no: it does not say
field-attachment = name of an attachment
field-attachment-type = type of an attachment
field-attachment-size = size of the largest attachment
field-attachments = number of attachments
field-header-from = address in the header From
field-list = through a mailing list
field-auto = written by a program
field-signed = signed
field-encrypted = encrypted

## Live

nav-tail = Live
nav-queues = Queues
nav-sources = Sources
live-on = ● Live
live-off = ❚❚ Paused
live-lost = ○ Connection lost
live-title = The page follows what happens; select to pause
notice-silent = { $source } has been silent since { $time }.
notice-silent-more = { $n ->
    [one] One more source is silent, too.
   *[other] { $n-shown } more sources are silent, too.
}
tail-title = Live tail
tail-hour = in the last hour
tail-all = Search them
tail-nothing-title = No message in the last hour
tail-nothing-text = Messages appear here as soon as their server has logged them.
queues-title = Queues
queues-sentence = { $deliveries } wait on { $servers }; the oldest since { $since } ({ $age }).
queues-none = Nothing waits.
queues-servers = By server
queues-groups = What waits where, and why
queues-waiting = Waiting
queues-held = Of them held
queues-oldest = Oldest since
queues-to = For
queues-why = Why
queues-untried = not tried yet
queues-handed = handed on, and not yet seen there
queues-age-5m = < 5 min
queues-age-1h = < 1 h
queues-age-6h = < 6 h
queues-age-24h = < 24 h
queues-age-older = Older
queues-unseen = { $n ->
    [one] One more delivery waits that is not in these tables.
   *[other] { $n-shown } more deliveries wait that are not in these tables.
}
count-servers = { $n ->
    [one] { $n-shown } server
   *[other] { $n-shown } servers
}
count-silent = { $n ->
    [one] one is silent, away or ahead of time
   *[other] { $n-shown } are silent, away or ahead of time
}
sources-title = Sources
sources-sentence = { $sources }, all as they should be; { $rate } lines per second.
sources-sentence-troubled = { $sources }, { $troubled }; { $rate } lines per second.
sources-sentence-idle = { $sources }. This server shows what is stored, and takes no lines now.
sources-source = Source
sources-rate = Lines per second
sources-last-line = Last line
sources-lag = Lag
sources-lines = Lines in 24 h
sources-clock = Clock ahead
sources-live = Live
sources-silent = Silent
sources-away = Away
sources-ended = Ended
sources-ahead = Times ahead
sources-sentence-stuck = { $sources }; what they bring cannot be stored at the moment.
sources-since = since { $time }
sources-collectors = Collectors
sources-collector = Collector
sources-host = Machine
sources-heard = Last heard
sources-never = never
sources-backlog = Waiting there
sources-lost = Lost
sources-trouble = Lines cannot be stored at the moment: { $why }. Senders keep them.
sources-recounting = Figures of these servers are being counted anew, because lines came late: { $servers }.
sources-none-title = No source yet
sources-none-text = Start the server so that it takes lines from collectors. What was imported stands under Coverage.
sources-none-taking = Enrol a collector: this command says what to type on the mail server.
sources-note = Lag: how old the newest line was when it was stored. A source is silent when nothing came for fourteen times its usual pause, and for five minutes at least.
coverage-files = imported files
