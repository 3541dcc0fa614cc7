//! Facts of a host derived anew from all its stored lines, because some of them came after younger ones were read.

use vigie_correlator::{Facts, Host};
use vigie_lake::{Commit, Replacement, Table};

use super::{ImportError, Phase, Run, hull, namesakes::Namesakes, order::LinesAsRead, reread::Rereader};

/// Hops of one commit.
const COMMIT_HOPS_MAX: usize = 50_000;

/// Rebuilds every host that is marked; returns their names. A rebuild that is cut short is begun again by the next run.
pub fn rebuild_dirty_hosts(run: &mut Run, watch: &mut dyn FnMut(&Phase) -> bool) -> Result<Vec<String>, ImportError> {
    let dirty: Vec<usize> = (0..run.state.hosts.len()).filter(|&place| run.state.hosts[place].dirty).collect();
    let mut names = Vec::new();
    for place in dirty {
        names.push(run.state.hosts[place].host.server().to_owned());
        rebuild(run, place, watch)?;
    }
    Ok(names)
}

fn rebuild(run: &mut Run, place: usize, watch: &mut dyn FnMut(&Phase) -> bool) -> Result<(), ImportError> {
    let server = run.state.hosts[place].host.server().to_owned();
    run.recent.forget();
    let snapshot = run.lake.snapshot()?;
    let mut host = Host::new(&server);
    let mut facts = Facts::default();
    let mut rereader = Rereader::default();
    let mut commit = Commit::new();
    for table in [Table::Hops, Table::Attempts, Table::Rejections] {
        commit.replace(Replacement::Server { table, server: server.as_str().into() });
    }
    let (mut lines, mut newest, mut has_copies) = (0u64, None, false);
    run.namesakes.begin_again(place);
    run.state.hosts[place].order.begin_again();
    let order = run.state.hosts[place].order.clone();
    for line in LinesAsRead::new(&snapshot, &server, &order)? {
        let line = line?;
        let read = rereader.read(&line);
        if read.pid != 0 && Namesakes::concerns(read.program) {
            run.namesakes.see(place, &server, line.ts, read.pid, &line.file);
        }
        for _ in 0..read.times() {
            host.record(line.ts, &read.record, &mut facts);
        }
        if read.record.stands_alone() {
            has_copies = true;
        } else {
            newest = newest.max(Some(line.ts));
        }
        lines += 1;
        if lines.is_multiple_of(100_000) {
            watch(&Phase::Rebuilding { lines });
        }
        if facts.hops.len() >= COMMIT_HOPS_MAX {
            store(run, &mut commit, &mut facts)?;
        }
    }
    let state = &mut run.state.hosts[place];
    (state.host, state.newest, state.has_copies, state.dirty) = (host, newest, has_copies, false);
    if let Some((first, last)) = state.stored {
        run.state.touched = hull(run.state.touched, first, last);
    }
    store(run, &mut commit, &mut facts)
}

fn store(run: &mut Run, commit: &mut Commit, facts: &mut Facts) -> Result<(), ImportError> {
    let facts = std::mem::take(facts);
    run.writer.stage_hops(&facts.hops)?;
    run.writer.stage_attempts(&facts.attempts)?;
    run.writer.stage_rejections(&facts.rejections)?;
    run.commit(std::mem::take(commit)).map(drop)
}
