//! The pages of Vigie: rendered here, whole, from the answers of a [`Backend`]; no script is needed to read them.
//!
//! A request becomes an [`asked::Asked`] (what the address says and how its reader wants to see it), a handler in
//! [`router`] fetches one answer, a file of `pages` draws it, `layout` puts the frame around it. Texts come from
//! `vigie-i18n`, pictures from `vigie-charts`, the rest is in this crate: `ui/app.css`, `ui/app.js`, both compiled in.

mod address;
mod asked;
mod assets;
pub mod backend;
mod csv;
mod filter_bar;
mod filter_text;
mod guard;
mod layout;
mod live;
mod pages;
mod parts;
mod period;
mod reader;
mod router;
mod time_axis;
mod words;

pub use backend::Backend;
pub use guard::AllowedHosts;
pub use router::{Settings, router, router_with};
