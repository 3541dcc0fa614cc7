//! Scratch: times linking.
use vigie_correlator::Linker;
use vigie_testkit::{
    Reading,
    corpus::{self, Corpus},
};
fn main() {
    let corpus = Corpus::load(&corpus::testdata().join("sample"));
    let mut reading = Reading::of(&corpus.hosts());
    corpus.lines().iter().flatten().for_each(|line| reading.line(line));
    let story = reading.story();
    for apart in [60, 3] {
        let mut hops = Vec::new();
        for n in 0..400i64 {
            for hop in &story.hops {
                let mut h = hop.clone();
                let by = n * apart * 1_000_000;
                h.ts_in += by;
                h.ts_out += by;
                h.recipients.iter_mut().for_each(|r| r.ts += by);
                h.message_id =
                    if h.message_id.len() > 2 { format!("{n}{}", h.message_id).into() } else { h.message_id };
                hops.push(h);
            }
        }
        hops.sort_by_key(|h| h.ts_in);
        for _ in 0..3 {
            let hops = hops.clone();
            let t = std::time::Instant::now();
            let count = hops.len();
            let mut out = Vec::new();
            let mut linker = Linker::default();
            for h in hops {
                linker.push(h, &mut out);
            }
            linker.finish(&mut out);
            println!("{count} hops, {} journeys: {:?}", out.len(), t.elapsed());
        }
    }
}
