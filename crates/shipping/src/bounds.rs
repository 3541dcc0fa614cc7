//! How much of anything one side takes from the other. Each is far above what an honest program needs.

use std::time::Duration;

/// The text of a chunk before it was compressed.
pub const RAW_BYTES_MAX: usize = 1 << 20;
/// A label: a path, or an address. Linux takes paths of 4096 bytes; logs lie nearer.
pub const LABEL_BYTES_MAX: usize = 1024;
/// A host's or a program's name in a greeting.
pub const NAME_BYTES_MAX: usize = 255;
/// The body of a chunk: bytes that do not compress grow by less than this in zstd.
pub const CHUNK_BODY_BYTES_MAX: usize = RAW_BYTES_MAX + LABEL_BYTES_MAX + (16 << 10);
/// A batch of OTLP, packed and unpacked. Shippers make some hundred kibibytes, Vector up to 10 MB; what is refused as too large they
/// throw away.
pub const BATCH_BYTES_MAX: usize = 16 << 20;
/// The body of any other request, and of any answer.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// The streams that one greeting, status or answer names. A collector has one for each log, and one more for each rotation that is not
/// stored yet.
pub const STREAMS_MAX: usize = 512;
/// Kinds of events that one status counts.
pub const EVENT_KINDS_MAX: usize = 32;
/// All headers of one request.
pub const HEADER_BYTES_MAX: u32 = 16 << 10;
/// How long a batch of OTLP waits to become durable: a little less than the ten seconds that shippers wait for an answer.
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(8);
/// How long an answer to a status waits for something to become durable.
pub const STATUS_WAIT_MAX: Duration = Duration::from_secs(10);
