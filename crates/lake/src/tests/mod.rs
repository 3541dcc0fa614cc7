//! Tests of the lake as a whole, by situation.

mod asking;
mod atomicity;
mod copies;
mod maintenance;
mod replacing;
mod round_trip;
mod samples;
mod summaries;
