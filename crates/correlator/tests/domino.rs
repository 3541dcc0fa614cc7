//! Domino servers: made corpora with known truth, through transcript, format, correlator and linker, and named situations.
//!
//! No real server wrote the corpora (`testdata/domino/README.md`): they show that what is written down of the shapes is read as meant.

#[path = "domino/corpora.rs"]
mod corpora;
#[path = "domino/facts.rs"]
mod facts;
#[path = "domino/order.rs"]
mod order;
#[path = "domino/reading.rs"]
mod reading;
