//! Decodes and encodes a frame with neither `std` nor a C library, and exits with status 0 if it came back
//! whole. Built and run by `.ci/run`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicUsize, Ordering};
use snow_dist_codec::{Frame, Frames, NodeName, Reading, limits::FRAME_BYTES_MAX};

/// LINK, EXIT with a chain and a text, PEER_LIST, CALL with a unit.
const STREAM: &[u8] = b"\x11\0\0\0\x13\x05\0\0\0\0\0\0\0\x2a\0\0\0\0\x07\x01\0\
    \x27\0\0\0\x15\x05\0\0\0\0\0\0\0\x2a\0\0\0\0\x07\x01\0\x03\x05\0\0\0\0\0\0\0\x01\x04\0\0\0\0\0\0\0boom\
    \x0a\0\0\0\x12\x01\0\x05\0a@h:1\
    \x1b\0\0\0\x87\x05\0\0\0\0\0\0\0\x2a\0\0\0\0\x07\x01\0\x01\0\0\0\0\0\0\0\x01\x06";

fn goes_through() -> bool {
    let mut bytes = Vec::new();
    for payload in Frames::new(STREAM, FRAME_BYTES_MAX) {
        let Ok(payload) = payload else { return false };
        let Ok(frame) = Frame::decode(payload, Reading::Strict) else { return false };
        if frame.encode_framed(FRAME_BYTES_MAX, &mut bytes).is_err() {
            return false;
        }
    }
    bytes == STREAM && NodeName::parse("a@h:1").is_ok()
}

#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    exit(i64::from(!goes_through()))
}

// The stack is aligned as the calling convention wants it before any Rust runs.
core::arch::global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call start");

fn exit(status: i64) -> ! {
    // SAFETY: Linux's `exit` takes a status and does not return.
    unsafe { core::arch::asm!("syscall", in("rax") 60, in("rdi") status, options(noreturn)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(101)
}

/// `alloc` was built for unwinding and names this; nothing unwinds here, so nothing calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Gives memory and never takes it back.
struct Bump {
    memory: UnsafeCell<[u8; 1 << 16]>,
    used: AtomicUsize,
}

// SAFETY: each range of `memory` is given out once.
unsafe impl Sync for Bump {}

// SAFETY: ranges are aligned, inside `memory`, and disjoint; a null pointer says that it is full.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let start = self.used.load(Ordering::Relaxed);
        let start = start + base.wrapping_add(start).align_offset(layout.align());
        let end = start.saturating_add(layout.size());
        if end > 1 << 16 {
            return core::ptr::null_mut();
        }
        self.used.store(end, Ordering::Relaxed);
        base.wrapping_add(start)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Bump = Bump { memory: UnsafeCell::new([0; 1 << 16]), used: AtomicUsize::new(0) };

/// What the compiler takes for granted; the loops are written so that it does not make them calls of
/// themselves.
mod memory {
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        // SAFETY: the caller's promise; `rep movsb` copies `count` bytes.
        unsafe {
            core::arch::asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        if to.addr().wrapping_sub(from.addr()) >= count {
            // SAFETY: the caller's promise, and no byte is written before it is read.
            return unsafe { memcpy(to, from, count) };
        }
        // SAFETY: as above, from the last byte to the first.
        unsafe {
            core::arch::asm!("std", "rep movsb", "cld", inout("rcx") count => _,
                inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
                inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
        // SAFETY: the caller's promise; `rep stosb` writes `count` bytes.
        unsafe {
            core::arch::asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") byte as u8)
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
        for at in 0..count {
            // SAFETY: the caller's promise: both have `count` bytes.
            let (one, other) = unsafe { (one.add(at).read_volatile(), other.add(at).read_volatile()) };
            if one != other {
                return i32::from(one) - i32::from(other);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { memcmp(one, other, count) }
    }
}
