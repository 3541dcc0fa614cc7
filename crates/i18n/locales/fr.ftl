# Français. « remise » pour delivery, « saut » pour hop, « rejet » avant la file, « retour » pour bounce.

## Frame

skip = Aller au contenu
nav = Pages
nav-overview = Vue d’ensemble
nav-search = Messages
nav-rejections = Rejets
nav-servers = Serveurs
nav-coverage = Couverture
nav-help = Aide
theme-auto = Thème : système
theme-light = Thème : clair
theme-dark = Thème : sombre
theme-change = Changer de thème
foot-zone = Heures : { $zone }
foot-counting = Comment nous comptons
foot-keys = raccourcis
keys-title = Raccourcis clavier
keys-search = Rechercher
keys-chart = D’une barre à l’autre dans un graphique
keys-this = Cette liste
close = Fermer
copy-link = Copier le lien
copied = Copié
fix-period = Figer la période
fix-period-title = La même page, avec des dates fixes, pour la transmettre
try-again = Réessayer
to-overview = Vers la vue d’ensemble
unknown = inconnu
and-more = { $n ->
    [one] et { $n-shown } autre
   *[other] et { $n-shown } autres
}

## Filter bar

filter-period = Période
filter-search = Rechercher
filter-placeholder = Adresse, domaine, Message-ID, id de file, IP, ou from: to: status: delay>30s
filter-apply = Afficher
filter-days = Entre deux jours…
filter-from = Du
filter-until = au
filter-active = Conditions actives
filter-remove = Retirer { $term }
filter-remove-short = retirer
clear-filter = Effacer la recherche
filter-problems = { $n ->
    [one] Un élément de cette recherche est incompréhensible :
   *[other] { $n-shown } éléments de cette recherche sont incompréhensibles :
}
problem-hint = Piste : { $hint }
period-1h = Dernière heure
period-24h = Dernières 24 heures
period-7d = 7 derniers jours
period-30d = 30 derniers jours
period-90d = 90 derniers jours
period-365d = 365 derniers jours
period-all = Tout l’historique
period-in-search = Selon la recherche
period-days = { $n ->
    [one] Dernier jour
   *[other] { $n-shown } derniers jours
}
period-hours = { $n ->
    [one] Dernière heure
   *[other] { $n-shown } dernières heures
}

## Counts

count-messages = { $n ->
    [one] { $n-shown } message
   *[other] { $n-shown } messages
}
count-deliveries = { $n ->
    [one] { $n-shown } remise
   *[other] { $n-shown } remises
}
count-rejections = { $n ->
    [one] { $n-shown } rejet
   *[other] { $n-shown } rejets
}
count-lines = { $n ->
    [one] { $n-shown } ligne
   *[other] { $n-shown } lignes
}
count-gaps = { $n ->
    [0] aucun trou
    [one] { $n-shown } trou
   *[other] { $n-shown } trous
}
count-sources = { $n ->
    [one] { $n-shown } source
   *[other] { $n-shown } sources
}
count-attachments = { $n ->
    [0] aucune pièce jointe
    [one] { $n-shown } pièce jointe
   *[other] { $n-shown } pièces jointes
}
content-title = Ce qu’il contient
content-from = En-tête From
content-type = Type de contenu
content-kind = Nature
content-list = liste de diffusion
content-automatic = automatique
content-signed = signé
content-encrypted = chiffré
content-dkim = porte une signature DKIM
content-cut = Ce message a plus de parties qu’il n’en est examiné : il peut y avoir d’autres pièces jointes.
column-attachment = Pièce jointe
column-declared = Type déclaré
column-sniffed = Type d’après ses premiers octets
sniffed-nothing = inconnu
count-hops = { $n ->
    [one] { $n-shown } saut
   *[other] { $n-shown } sauts
}
count-delivered = { $n ->
    [one] { $n-shown } remis
   *[other] { $n-shown } remis
}
count-forwarded = { $n ->
    [one] { $n-shown } redirigé
   *[other] { $n-shown } redirigés
}
count-deferred = { $n-shown } en attente
count-held = { $n ->
    [one] { $n-shown } retenu
   *[other] { $n-shown } retenus
}
count-bounced = { $n ->
    [one] { $n-shown } retourné
   *[other] { $n-shown } retournés
}
count-expired = { $n ->
    [one] { $n-shown } expiré
   *[other] { $n-shown } expirés
}
count-filtered = { $n ->
    [one] { $n-shown } filtré
   *[other] { $n-shown } filtrés
}
count-discarded = { $n ->
    [one] { $n-shown } écarté
   *[other] { $n-shown } écartés
}
count-deleted = { $n ->
    [one] { $n-shown } supprimé
   *[other] { $n-shown } supprimés
}
count-rejected = { $n ->
    [one] { $n-shown } rejeté
   *[other] { $n-shown } rejetés
}

## Status

status-delivered = Remis
status-forwarded = Redirigé
status-deferred = Différé
status-held = Retenu
status-bounced = Retourné
status-expired = Expiré
status-filtered = Filtré
status-discarded = Écarté
status-deleted = Supprimé
status-rejected = Rejeté

## Columns

column-time = Heure
column-sender = Expéditeur
column-recipient = Destinataire
column-subject = Objet
column-status = État
column-server = Serveur
column-delivery-time = Délai de remise
column-size = Taille
column-domain = Domaine
column-reason = Motif
column-failed = Échecs
column-course = Tendance
column-client = Client
column-code = Code
column-reply = Réponse
column-attempts = Tentatives
recipients-more = +{ $n-shown }

## Overview

overview-title = Flux de messagerie
tiles = Chiffres clés
measure-messages = Messages
measure-deliveries = Remises
measure-rejections = Rejets
measure-delivered-share = Taux de remise
measure-deferred = Différés
measure-rejected = Rejetés
measure-delivery-median = Délai médian
measure-volume = Volume
previous-period = période précédente : { $value }
points = { $n } pt
updated = mis à jour à { $time }
coverage-understood = { $share } connues
coverage-last-line = dernière ligne { $time }
series-title = Remises dans le temps
series-gap = pas de données
show-table = Afficher les données en tableau
flow-title = Où va le courrier
flow-note = Choisissez une bande ou une barre pour voir ses messages.
flow-origin = Origine
flow-first-server = Premier serveur
flow-last-server = Dernier serveur
flow-destination = Destination
flow-from = De
flow-to = Vers
flow-other = { $n ->
    [one] Autre ({ $n-shown })
   *[other] Autres ({ $n-shown })
}
flow-dropped = { $n ->
    [one] { $n-shown } passage tourne en rond et n’est pas sur l’image.
   *[other] { $n-shown } passages tournent en rond et ne sont pas sur l’image.
}
origin-internet = Internet
origin-local = Processus locaux
origin-user = Utilisateurs
origin-server = Nos serveurs
top-senders = Principaux expéditeurs
top-recipient-domains = Domaines destinataires
top-reject-reasons = Motifs de rejet
see-all = Tout voir ({ $n-shown })
ranking-empty = Rien dans cette période.

## Messages

search-title = Messages
class-bounce = Retour
class-probe = Sonde
pager = Pages de la liste
pager-rows = { $first-shown }–{ $last-shown } sur { $total-shown }
pager-first = Première page
pager-next = Page suivante

## One message

message-title = Message sans objet
message-arrival = Reçu
copy-ticket = Copier pour le ticket
copy-lines = Copier les lignes
ticket-title = Texte pour le ticket
path-title = Parcours
path-guessed = Une étape de ce parcours est supposée (même Message-ID, presque la même heure). Elle est signalée ci-dessous.
hop-open = y est encore
hop-client = de { $client }
hop-previous = suite de l'étape { $step }
role-submission = déposé
role-arrival = arrivé
role-relay = reçu
role-filter-return = retour du filtre
role-again = repris par le même serveur
role-redirect = renvoyé à une autre adresse
role-store = mis dans la boîte
role-notice = avis créé ici
link-origin = premier saut
link-previous-id = lien : le serveur nomme l’id de file précédent
link-filter-log = lien : le filtre journalise les deux id de file
link-reply = lien : la réponse nomme cet id de file
link-redirect = lien : redirection vers une autre adresse
link-network-id = lien : même identifiant réseau du message
link-message-id = lien supposé : même Message-ID, presque la même heure
recipients-title = { $n ->
    [one] Destinataire
   *[other] { $n-shown } destinataires
}
recipient-original = envoyé à { $address }
lines-title = Lignes de journal
lines-none = Les lignes ne sont plus conservées ; les faits ci-dessus en viennent.
sentence-nobody = Reçu, mais le journal ne nomme encore aucun destinataire.
sentence-delivered = Remis à { $to } à { $time }, { $took } après sa réception.
sentence-delivered-untimed = Remis à { $to }. On ne sait pas combien de temps cela a pris.
sentence-forwarded = Redirigé : d’autres adresses ont remplacé { $to } à { $time }.
sentence-deferred = { $attempts ->
    [0] Pas encore remis : dans la file de { $server } depuis { $took }.
    [one] Pas encore remis : en attente dans la file de { $server } depuis { $took }, après { $attempts-shown } tentative.
   *[other] Pas encore remis : en attente dans la file de { $server } depuis { $took }, après { $attempts-shown } tentatives.
}
sentence-held = Retenu dans la file de { $server } depuis { $took } : rien ne sera tenté avant sa libération.
sentence-bounced = Non remis : refusé pour { $to } à { $time } et retourné à l’expéditeur.
sentence-expired = Non remis : { $server } a renoncé à joindre { $to } à { $time }, après { $took }.
sentence-filtered = Non remis : un filtre a retenu le message pour { $to } à { $time }.
sentence-discarded = Non remis : une règle a écarté le message pour { $to } à { $time }.
sentence-deleted = Non remis : quelqu’un l’a retiré de la file de { $server } à { $time }.
sentence-rejected = Non accepté : { $server } l’a refusé pour { $to } à { $time }.
sentence-many = { $n ->
    [one] { $n-shown } destinataire : { $list }.
   *[other] { $n-shown } destinataires : { $list }.
}
sentence-slowest = La remise la plus lente a pris { $took }.

## Rejections

rejections-title = Rejets

## Servers

servers-title = Serveurs
servers-global = Activité globale
servers-from-servers = Reçus de serveurs
servers-from-local = Reçus en local
servers-local-routing = Routage local
servers-to-servers = Envoyés à des serveurs
servers-note = En messages ; l’activité globale est la somme des quatre. Une tentative en échec ne compte nulle part.
servers-whole = Ce tableau compte tous les messages de la période, quoi que dise la recherche.

## Coverage

coverage-title = Couverture
coverage-sentence = { $sources }, { $lines } lues, dont { $share } connues et { $unknown } inconnues ; { $gaps }.
coverage-sources = Sources
coverage-span = Première et dernière ligne
coverage-read = Lues
coverage-understood-column = Connues, utiles
coverage-ignored = Connues, sans effet
coverage-unknown = Inconnues
coverage-open = Messages ouverts
coverage-gaps = Trous
coverage-gaps-note = Rien n’a été lu pendant ces périodes : il manque aux chiffres ce qui s’y est passé.
coverage-hours = Lignes par heure
coverage-hours-of = Lignes par heure de { $server }
unknown-title = Lignes inconnues ou expérimentales
unknown-note = Par forme. Des lignes que Vigie ne sait pas encore lire ; et, marquées experimental, des lignes lues selon une forme qu’aucun journal public ne prouve.
unknown-none = Aucune : chaque ligne est connue.
unknown-example = L’une d’elles, de { $server } :

## Empty states and errors

empty-store-title = Aucun journal lu
empty-store-text = Vigie montre ce que les serveurs de messagerie écrivent dans leurs journaux. Importez un fichier sur le serveur :
empty-nothing-title = Aucun résultat
empty-nothing-text = Dans cette période, aucun courrier ne répond à la recherche.
empty-stored = L’historique va de { $span }.
show-all-time = Afficher tout l’historique
error-title = Cela n’a pas fonctionné
error-filter-title = La recherche est incompréhensible
help-filters = Comment chercher
error-cursor-title = Cet endroit de la liste n’existe plus
error-cursor-text = La liste a changé depuis, ou l’adresse a été tronquée.
error-internal-title = La page n’a pas pu être produite
error-internal-text = { $what } Le défaut est le nôtre. Référence pour l’administrateur : { $reference }
error-address-title = { $n ->
    [one] Une partie de l’adresse est incompréhensible
   *[other] { $n-shown } parties de l’adresse sont incompréhensibles
}
error-address-name = « { $name } » est inconnu ; sont connus { $known }.
error-address-value = « { $name } » ne peut pas être « { $value } ».
error-message-title = Ce message n’existe pas
error-message-text = Ses journaux ont peut-être été supprimés à la fin de leur conservation, ou n’ont jamais été lus.
error-page-title = Cette page n’existe pas
error-page-text = L’adresse est peut-être mal saisie.

## Help

help-title = Aide
help-language = Recherche
help-language-text = Saisissez ce que vous savez : une adresse, un domaine, un Message-ID, un id de file, une adresse IP. Plusieurs conditions doivent toutes être vraies ; « or », « not » et les parenthèses fonctionnent aussi, et * remplace n’importe quels caractères.
help-fields = Champs
help-field = Champ
help-meaning = Sens
help-values = Valeurs
help-text-value = texte ; * pour n’importe quels caractères
help-periods = Périodes
help-periods-text = Une recherche peut dire sa propre période. Elle remplace la période choisie à côté.
help-counting = Comment nous comptons
example-address = tout ce qui vient de cette adresse ou y va
example-domain = d’un domaine vers un autre et ceux qu’il contient
example-failed = ce qui est revenu
example-waiting = en attente depuis plus d’une demi-heure
example-subject = des mots de l’objet, et volumineux
example-server = par un serveur, sans les sondes de supervision
example-dsn = destinataires inconnus, hier
example-or = l’un de deux expéditeurs, et plus d’une tentative
counting-message = Un message est un dépôt ou une arrivée dans l’organisation, quels que soient les serveurs et les filtres qu’il traverse ensuite.
counting-delivery = Une remise est l’issue finale d’un message pour un destinataire. Les tentatives sont gardées, pas comptées.
counting-hop = Un saut est un message sur un serveur.
counting-time = Le délai de remise est la fin du dernier saut pour un destinataire moins l’arrivée au premier saut.
counting-class = Les retours et les sondes de supervision sont des classes à part, jamais mêlées en silence.
counting-filtered = Ce qu’un filtre a mis en quarantaine ou écarté est filtré, pas remis.
field-from = expéditeur de l’enveloppe ; from:<> est l’expéditeur vide d’un retour
field-to = destinataire final
field-orig = destinataire tel que l’expéditeur l’a écrit, avant les alias
field-subject = objet du message
field-message-id = Message-ID, sans ses chevrons
field-queue-id = id de file sur n’importe quel serveur du parcours
field-id = id du message dans Vigie
field-server = un serveur du parcours
field-entry = le premier serveur qui a eu le message
field-exit = le serveur qui a eu le dernier mot sur le destinataire
field-size = taille du message
field-recipients = nombre de destinataires
field-delay = délai de remise
field-status = issue de la remise
field-class = courrier ordinaire, retour ou sonde de supervision
field-direction = sens dans lequel le message franchit la frontière de l’organisation
field-client = nom ou adresse IP du client qui a déposé le message
field-ip = adresse IP du client
field-helo = nom donné par le client dans HELO ou EHLO
field-user = identifiant de connexion du déposant
field-relay = dernier serveur suivant, nom ou adresse IP
field-dsn = code d’état étendu : 5.1.1, ou 5 pour tous les 5.*
field-code = code d’un refus avant la file, par exemple 550
field-reason = mots de la réponse de l’autre serveur
field-hops = nombre de serveurs traversés
field-attempts = nombre de tentatives de remise
field-tls = le journal dit que la connexion était chiffrée ; no : il ne le dit pas
field-attachment = nom d’une pièce jointe
field-attachment-type = type d’une pièce jointe
field-attachment-size = taille de la plus grande pièce jointe
field-attachments = nombre de pièces jointes
field-header-from = adresse de l’en-tête From
field-list = par une liste de diffusion
field-auto = écrit par un programme
field-signed = signé
field-encrypted = chiffré

## En direct

nav-tail = En direct
nav-queues = Files d’attente
nav-sources = Sources
live-on = ● En direct
live-off = ❚❚ En pause
live-lost = ○ Connexion perdue
live-title = La page suit ce qui se passe ; cliquez pour la figer
notice-silent = { $source } se tait depuis { $time }.
notice-silent-more = { $n ->
    [one] Une autre source se tait aussi.
   *[other] { $n-shown } autres sources se taisent aussi.
}
tail-title = Messages en direct
tail-hour = dans la dernière heure
tail-all = Les rechercher
tail-nothing-title = Aucun message dans la dernière heure
tail-nothing-text = Les messages apparaissent ici dès que leur serveur les a journalisés.
queues-title = Files d’attente
queues-sentence = { $deliveries } en attente sur { $servers } ; la plus ancienne depuis { $since } ({ $age }).
queues-none = Rien n’attend.
queues-servers = Par serveur
queues-groups = Ce qui attend, où et pourquoi
queues-waiting = En attente
queues-held = Dont retenus
queues-oldest = Plus ancien depuis
queues-to = Pour
queues-why = Pourquoi
queues-untried = pas encore essayé
queues-handed = transmis, pas encore vu là-bas
queues-age-5m = < 5 min
queues-age-1h = < 1 h
queues-age-6h = < 6 h
queues-age-24h = < 24 h
queues-age-older = Plus vieux
queues-unseen = { $n ->
    [one] Une autre remise attend, qui n’est pas dans ces tableaux.
   *[other] { $n-shown } autres remises attendent, qui ne sont pas dans ces tableaux.
}
count-servers = { $n ->
    [one] { $n-shown } serveur
   *[other] { $n-shown } serveurs
}
count-silent = { $n ->
    [one] une se tait, est absente ou en avance
   *[other] { $n-shown } se taisent, sont absentes ou en avance
}
sources-title = Sources
sources-sentence = { $sources }, tout va bien ; { $rate } lignes par seconde.
sources-sentence-troubled = { $sources }, { $troubled } ; { $rate } lignes par seconde.
sources-sentence-idle = { $sources }. Ce serveur montre ce qui est enregistré et ne reçoit pas de lignes en ce moment.
sources-source = Source
sources-rate = Lignes par seconde
sources-last-line = Dernière ligne
sources-lag = Retard
sources-lines = Lignes en 24 h
sources-clock = Avance d’horloge
sources-live = Active
sources-silent = Silencieuse
sources-away = Absente
sources-ended = Terminée
sources-ahead = En avance
sources-sentence-stuck = { $sources } ; ce qu’elles apportent ne peut pas être enregistré en ce moment.
sources-since = depuis { $time }
sources-collectors = Collecteurs
sources-collector = Collecteur
sources-host = Machine
sources-heard = Dernier signe
sources-never = jamais
sources-backlog = En attente là-bas
sources-lost = Perdu
sources-trouble = Les lignes ne peuvent pas être enregistrées en ce moment : { $why }. Les expéditeurs les gardent.
sources-recounting = Les chiffres de ces serveurs sont recomptés, car des lignes sont arrivées en retard : { $servers }.
sources-none-title = Pas encore de source
sources-none-text = Démarrez le serveur de sorte qu’il reçoive les lignes des collecteurs. Ce qui a été importé se trouve sous Couverture.
sources-none-taking = Inscrivez un collecteur : cette commande dit ce qu’il faut taper sur le serveur de messagerie.
sources-note = Retard : âge de la ligne la plus récente quand elle a été enregistrée. Une source se tait quand rien n’est venu pendant quatorze fois sa pause habituelle, et pendant cinq minutes au moins.
coverage-files = fichiers importés
