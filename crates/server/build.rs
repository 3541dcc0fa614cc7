//! Sets an option of the allocator: it has no door for that in Rust.

fn main() {
    println!("cargo:rerun-if-changed=src/allocator.c");
    let mut build = cc::Build::new();
    if let Some(headers) = std::env::var_os("DEP_MIMALLOC_INCLUDE_DIR") {
        build.include(headers);
    }
    // Nothing calls it, so the linker would leave it out.
    build.file("src/allocator.c").link_lib_modifier("+whole-archive").compile("vigie-allocator");
}
