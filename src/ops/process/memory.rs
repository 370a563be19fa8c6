//! What the C library does with freed memory.

/// Keeps freed memory in the process instead of handing it back to the system.
///
/// Each operation returns a fresh tensor, and glibc maps and unmaps large ones one by one: every
/// page of every tensor then costs a fault of some microseconds, a good part of a training step.
/// For programs to call once, before the first tensor; a library leaves the choice to them. Peak
/// memory stays what it is, memory after the peak does not shrink. Does nothing where the C
/// library is not glibc.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt has no preconditions; it takes the allocator's own lock.
    unsafe {
        // Large blocks from the heap, not each from a mapping of its own.
        libc::mallopt(libc::M_MMAP_MAX, 0);
        // One heap: those of further threads are cut into mappings of 64 MiB.
        libc::mallopt(libc::M_ARENA_MAX, 1);
        // The heap's free end stays.
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

/// Hands memory that was freed back to the system, even if [`keep_freed_memory`] keeps it: for after a
/// cell that needed more than it should. What is computed next pays for its pages once. Does nothing
/// where the C library is not glibc.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim has no preconditions; it takes the allocator's own locks and only touches
    // memory that nobody holds.
    unsafe {
        libc::malloc_trim(0);
    }
}
