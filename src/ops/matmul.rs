//! Matrix products of slices, one thread each: the operations cut their work into fixed chunks
//! of rows and spread those, which is as fast as the `gemm` crate's own threads at these shapes,
//! lets neighbouring steps run on a chunk while it is in the cache, and gives the same bits on
//! any number of threads.

/// A matrix seen in a slice: element (r, c) is at `r * row_stride + c * column_stride`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// A row-major matrix of `columns` columns that fills `data`.
    pub fn rows(data: &'a [f32], columns: usize) -> Self {
        let rows = data.len().checked_div(columns).unwrap_or(0);
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Some of the columns.
    fn columns_from(self, first: usize, count: usize) -> Self {
        Self { data: &self.data[first * self.column_stride..], columns: count, ..self }
    }

    /// Some of the rows.
    fn rows_from(self, first: usize, count: usize) -> Self {
        Self { data: &self.data[first * self.row_stride..], rows: count, ..self }
    }

    /// Whether every element lies inside the slice.
    fn is_inside(self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row_stride + (self.columns - 1) * self.column_stride
                < self.data.len()
    }
}

/// What becomes of the old content of the destination.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    Overwrite,
    Add,
}

/// Terms of each element that `gemm` adds in one go, on every processor. Longer sums it cuts by the size
/// of the caches, and then the same sum rounds differently on another processor.
const TERMS: usize = 512;

/// `out` (row-major) = or += `a` · `b`, on this thread. The order of the additions depends on the sizes
/// alone.
pub(super) fn matmul(out: &mut [f32], destination: Destination, a: View<'_>, b: View<'_>) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(out.len(), a.rows * b.columns);
    assert!(a.is_inside() && b.is_inside());
    // `gemm` has other ways for these shapes, whose order depends on the instruction set.
    if a.rows <= 1 || b.columns <= 1 || a.columns <= 2 {
        return thin(out, destination, a, b);
    }
    for first in (0..a.columns).step_by(TERMS) {
        let terms = TERMS.min(a.columns - first);
        let destination = if first == 0 { destination } else { Destination::Add };
        product(out, destination, a.columns_from(first, terms), b.rows_from(first, terms));
    }
}

/// A product with one row or column, or of one or two terms.
fn thin(out: &mut [f32], destination: Destination, a: View<'_>, b: View<'_>) {
    if destination == Destination::Overwrite {
        out.fill(0.0);
    }
    if b.columns == 0 {
        return;
    }
    for (row, out) in out.chunks_exact_mut(b.columns).enumerate() {
        for term in 0..a.columns {
            let factor = a.data[row * a.row_stride + term * a.column_stride];
            let from = &b.data[term * b.row_stride..];
            if b.column_stride == 1 {
                for (out, x) in out.iter_mut().zip(from) {
                    *out += factor * x;
                }
            } else {
                for (out, x) in out.iter_mut().zip(from.iter().step_by(b.column_stride)) {
                    *out += factor * x;
                }
            }
        }
    }
}

/// [`matmul`] of at most [`TERMS`] terms, with at least two rows and columns.
fn product(out: &mut [f32], destination: Destination, a: View<'_>, b: View<'_>) {
    let add = destination == Destination::Add;
    assert!(out.len() == a.rows * b.columns && a.columns == b.rows);
    assert!(a.is_inside() && b.is_inside());
    // SAFETY: the assertions above keep every access inside the three slices, and `out`, being
    // borrowed mutably, overlaps neither operand. Strides of slices in memory fit isize.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            b.columns as isize,
            add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::noise;

    proptest! {
        #[test]
        fn matches_three_plain_loops(
            m in 1usize..40, n in 1usize..40,
            k in prop_oneof![1usize..40, Just(1100usize)],
            transpose_a: bool, transpose_b: bool, add: bool,
        ) {
            let (a, b, old) = (noise(m * k, 1.0, 1), noise(k * n, 1.0, 2), noise(m * n, 1.0, 3));
            let view = |data, rows, columns, transposed| {
                if transposed { View::rows(data, rows).transposed() } else { View::rows(data, columns) }
            };
            let (va, vb) = (view(&a, m, k, transpose_a), view(&b, k, n, transpose_b));
            let mut out = old.clone();
            let destination = if add { Destination::Add } else { Destination::Overwrite };
            matmul(&mut out, destination, va, vb);
            for i in 0..m {
                for j in 0..n {
                    let mut sum = if add { f64::from(old[i * n + j]) } else { 0.0 };
                    for l in 0..k {
                        let a = a[if transpose_a { l * m + i } else { i * k + l }];
                        let b = b[if transpose_b { j * k + l } else { l * n + j }];
                        sum += f64::from(a) * f64::from(b);
                    }
                    prop_assert!((f64::from(out[i * n + j]) - sum).abs() < 1e-5 * (k as f64 / 40.0).max(1.0));
                }
            }
        }
    }
}
