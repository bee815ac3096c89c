//! Times: `cargo bench -p snow-dist-bench --bench time`.
//!
//! A row is a pass over a shape's messages, and below it how many messages a second that is.

use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use snow_dist_bench::{Shape, by_bincode, by_hand, by_nom, by_rkyv, own};

fn main() {
    divan::main();
}

#[divan::bench_group]
mod decode {
    use super::*;

    fn pass<S>(bencher: Bencher<'_, '_>, shape: Shape, stream: fn(Shape) -> S, decode: fn(&S)) {
        let stream = stream(shape);
        bencher.counter(ItemsCount::new(shape.count())).bench_local(|| decode(black_box(&stream)));
    }

    #[divan::bench(args = Shape::ALL)]
    fn snow_dist(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, own::stream, |stream| own::decode(stream));
    }

    #[divan::bench(args = Shape::ALL)]
    fn rkyv_validated(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, by_rkyv::stream, by_rkyv::decode);
    }

    #[divan::bench(args = Shape::ALL)]
    fn bincode_borrowed(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, by_bincode::stream, |stream| by_bincode::decode(stream));
    }

    #[divan::bench(args = Shape::ALL)]
    fn nom(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, own::stream, |stream| by_nom::decode(stream));
    }
}

#[divan::bench_group]
mod encode {
    use super::*;

    fn pass<M>(
        bencher: Bencher<'_, '_>,
        shape: Shape,
        encoding: fn(Shape) -> (Vec<M>, Vec<u8>),
        encode: fn(&[M], &mut Vec<u8>),
    ) {
        let (messages, mut buffer) = encoding(shape);
        bencher
            .counter(ItemsCount::new(shape.count()))
            .bench_local(|| encode(black_box(&messages), black_box(&mut buffer)));
    }

    #[divan::bench(args = Shape::ALL)]
    fn snow_dist(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, own::encoding, own::encode);
    }

    #[divan::bench(args = Shape::ALL)]
    fn unsafe_by_hand(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, by_hand::encoding, by_hand::encode);
    }

    #[divan::bench(args = Shape::ALL)]
    fn bincode(bencher: Bencher<'_, '_>, shape: Shape) {
        pass(bencher, shape, by_bincode::encoding, by_bincode::encode);
    }
}

#[divan::bench_group]
mod list_of_100 {
    use super::*;
    use snow_dist_bench::term::Format;

    #[divan::bench(args = Format::ALL)]
    fn decode(bencher: Bencher<'_, '_>, format: Format) {
        let (_, bytes) = format.encoding();
        bencher.bench_local(|| format.decode(black_box(&bytes)));
    }

    #[divan::bench(args = Format::ALL)]
    fn encode(bencher: Bencher<'_, '_>, format: Format) {
        let (list, mut buffer) = format.encoding();
        bencher.bench_local(|| format.encode(black_box(&list), black_box(&mut buffer)));
    }
}

#[divan::bench_group]
mod million_bytes {
    use super::*;
    use snow_dist_bench::blob;

    #[divan::bench]
    fn copy(bencher: Bencher<'_, '_>) {
        let (blob, mut buffer) = blob::encoding();
        bencher.bench_local(|| blob::copy(black_box(&blob), black_box(&mut buffer)));
    }

    #[divan::bench]
    fn encode(bencher: Bencher<'_, '_>) {
        let (blob, mut buffer) = blob::encoding();
        bencher.bench_local(|| blob::encode(black_box(&blob), black_box(&mut buffer)));
    }

    #[divan::bench]
    fn decode_lent(bencher: Bencher<'_, '_>) {
        let (_, term) = blob::encoding();
        bencher.bench_local(|| black_box(blob::decode(black_box(&term)).len()));
    }

    #[divan::bench]
    fn decode_and_copy(bencher: Bencher<'_, '_>) {
        let (_, term) = blob::encoding();
        let mut buffer = Vec::with_capacity(blob::BYTES);
        bencher.bench_local(|| blob::copy(blob::decode(black_box(&term)), black_box(&mut buffer)));
    }
}
