//! What it costs to follow a log: the processor time for a gigabyte that is appended in steps, and for looks that find nothing.
//!
//! `cargo run --release -p vigie-sources --example follow [MEBIBYTES] [STEP_BYTES]`

use std::io::Write;
use std::time::Instant;

use vigie_sources::{Feed, Follower, Start};

const LINE: &[u8] = b"Nov 22 10:00:00 mx1 postfix/smtpd[12345]: 4XyZ0abcdefghi: client=mail.example.org[192.0.2.7]\n";
const LOOKS: u32 = 200_000;
/// Linux counts processor time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mebibytes: usize = arguments.next().map_or(Ok(1024), |text| text.parse())?;
    let step_bytes: usize = arguments.next().map_or(Ok(1 << 20), |text| text.parse())?;
    let step: Vec<u8> = LINE.iter().copied().cycle().take(step_bytes / LINE.len() * LINE.len()).collect();
    let path = std::env::temp_dir().join(format!("vigie-follow-{}.log", std::process::id()));
    let mut log = std::fs::File::create(&path)?;
    let mut follower = Follower::new(&path, Vec::new(), Start::Beginning);
    let (mut bytes, mut spent, mut pieces) = (0, 0.0, 0u64);
    while bytes < mebibytes << 20 {
        log.write_all(&step)?;
        let before = processor_seconds()?;
        while let Some(piece) = follower.next()? {
            bytes += piece.bytes.len();
            pieces += 1;
            follower.durable(piece.stream, piece.end());
        }
        spent += processor_seconds()? - before;
    }
    println!("{bytes} bytes in {pieces} pieces: {spent:.2} s of processor time");
    let begun = Instant::now();
    for _ in 0..LOOKS {
        follower.next()?;
    }
    println!("a look that finds nothing: {:.2} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS));
    std::fs::remove_file(&path)?;
    Ok(())
}

/// User and system time of this process.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS_PER_SECOND)
}
