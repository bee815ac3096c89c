//! Frames are read, and written into a buffer that is used again, without a single allocation.

use allocation_counter::measure;
use snow_dist_bench::term::Format;
use snow_dist_bench::{Shape, own};

fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

/// What the other tests rest upon.
#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0_u8; 10]))), 1);
}

#[test]
fn frames_are_read_without_allocations() {
    for shape in Shape::ALL {
        let stream = own::stream(shape);
        assert_eq!(allocations(|| own::decode(&stream)), 0, "{shape}");
    }
}

#[test]
fn frames_are_written_without_allocations() {
    for shape in Shape::ALL {
        let (frames, mut buffer) = own::encoding(shape);
        assert_eq!(allocations(|| own::encode(&frames, &mut buffer)), 0, "{shape}");
    }
}

#[test]
fn terms_are_written_without_allocations() {
    for format in [Format::Stf, Format::StfValues] {
        let (list, mut buffer) = format.encoding();
        assert_eq!(allocations(|| format.encode(&list, &mut buffer)), 0, "{format}");
    }
}

#[test]
fn terms_are_read_without_allocations_but_for_what_the_program_asks_for() {
    let (_, term) = Format::Stf.encoding();
    assert_eq!(allocations(|| Format::StfValues.decode(&term)), 0);
    // The vector that the list is read into.
    assert_eq!(allocations(|| Format::Stf.decode(&term)), 1);
}
