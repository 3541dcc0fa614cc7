//! The traps into which log analyzers fall, each as a situation: the lines of one or several hosts in, journeys out.
//!
//! The lines are written for these tests in the syntax of Postfix, Exim, Dovecot and the filters; what should come of them is said
//! by hand. Numbers are those of the list of traps in the project's notes on mail logs.

mod addresses;
mod arrivals;
mod by_hand;
mod chasquid;
mod counts;
mod exchange;
mod exim;
mod filters;
mod foreign;
mod inside;
mod microsoft365;
mod opensmtpd;
mod outcomes;
mod queue_ids;
mod refusals;
mod replies;
mod sendmail;
mod times;
mod verdicts;
