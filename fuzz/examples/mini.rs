use std::panic::catch_unwind;
use vigie_testkit::random::Random;
fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut best: Option<Vec<u8>> = None;
    let mut random = Random::new(7);
    for _ in 0..600_000 {
        let len = 60 + random.below(160);
        let bytes: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        if best.as_ref().is_some_and(|b| b.len() <= bytes.len()) { continue; }
        if catch_unwind(|| vigie_fuzz::linker(&bytes)).is_err() { best = Some(bytes); }
    }
    let Some(mut best) = best else { println!("none"); return };
    // shrink: zero bytes / cut
    loop {
        let mut smaller = None;
        for cut in (1..best.len()).rev() { if catch_unwind(|| vigie_fuzz::linker(&best[..cut])).is_err() { smaller = Some(best[..cut].to_vec()); } }
        match smaller { Some(s) => best = s, None => break }
    }
    for i in 0..best.len() { for v in [0u8, 1, 2] { if best[i] > v { let mut t = best.clone(); t[i] = v; if catch_unwind(|| vigie_fuzz::linker(&t)).is_err() { best = t; } } } }
    let _ = std::panic::take_hook();
    println!("{} bytes", best.len());
    std::fs::write("/tmp/mini.bin", &best).unwrap();
    vigie_fuzz::linker(&best);
}
