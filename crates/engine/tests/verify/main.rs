//! `vigie verify`: a store that nobody touched agrees with its lines, however they came; each kind of damage is found, and named.

mod agreeing;
mod damage;
// The places and logs of the imports' tests; not all that they can do is needed here.
#[allow(dead_code)]
#[path = "../imports/store.rs"]
mod store;
