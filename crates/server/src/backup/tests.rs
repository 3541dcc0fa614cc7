//! A backup of a store that is written, cut off, damaged; and what a restore makes of it.
