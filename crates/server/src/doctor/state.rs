//! Does what the next line is read with belong to the newest commit?

use std::path::Path;

use vigie_engine::import::{ImportError, State, StateError};

use super::{Check, Finding, Patient, patient};

pub const CHECK: Check = Check { name: "state", run };

const TRIES: usize = 5;

fn run(patient: &Patient) -> Vec<Finding> {
    let Some((store, _)) = patient.store() else { return vec![Finding::not_applicable("the store cannot be opened")] };
    // The writer may take the state of one commit away while it makes the next: it is looked for again.
    let found = (1..TRIES).find_map(|_| store.state().ok()).map_or_else(|| store.state(), Ok);
    vec![match found {
        Ok(state) => ok(&state),
        Err(error) => broken(&error, &patient.data),
    }]
}

fn ok(state: &State) -> Finding {
    let found = format!(
        "{} servers, {} open messages, {} streams of collectors",
        state.hosts.len(),
        state.open_hops().iter().filter(|hop| !hop.closed).count(),
        state.streams.len()
    );
    if state.touched.is_some() {
        let advice = "let the import come to its end; the same import again completes one that was cut off";
        return Finding::warning(
            format!("{found}; an import is under way or was cut off, messages are missing"),
            advice,
        );
    }
    Finding::ok(found)
}

fn broken(error: &ImportError, data: &Path) -> Finding {
    let is_lost = matches!(error, ImportError::State(error) if State::is_lost(error));
    let thing = match error {
        ImportError::State(
            StateError::Damaged { path } | StateError::Host { path, .. } | StateError::Read { path, .. },
        ) => path.as_path(),
        _ => data,
    };
    let advice = if is_lost {
        "the rows are whole: the next import, or start of the server, derives it anew from the stored lines; collectors then send their logs again, and what is known is not stored twice".to_owned()
    } else {
        patient::advice(error)
    };
    Finding::error(patient::told(error), advice).of(thing.display())
}
