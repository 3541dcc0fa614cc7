//! What is wrong with a store and its surroundings.
