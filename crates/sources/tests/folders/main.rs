//! Folders of files that do not stand for themselves: situations one by one, then random schedules.

mod random;
mod rig;
mod situations;
mod trouble;
