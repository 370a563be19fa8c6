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

/// `out` (row-major) = or += `a` · `b`, on this thread.
pub(super) fn matmul(out: &mut [f32], destination: Destination, a: View<'_>, b: View<'_>) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(out.len(), a.rows * b.columns);
    assert!(a.is_inside() && b.is_inside());
    let add = destination == Destination::Add;
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
            m in 1usize..40, n in 1usize..40, k in 1usize..40,
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
                    prop_assert!((f64::from(out[i * n + j]) - sum).abs() < 1e-5);
                }
            }
        }
    }
}
