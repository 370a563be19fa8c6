//! Rectangles of one matrix, written by several threads at once.

use std::{marker::PhantomData, ops::Range};

/// A row-major matrix from which tasks take disjoint rectangles.
pub(super) struct SharedMatrix<'a> {
    start: *mut f32,
    rows: usize,
    columns: usize,
    _matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer stands for an exclusive borrow of plain floats, which may be used from any
// thread; that threads do not touch the same element is the contract of `rectangle`.
unsafe impl Sync for SharedMatrix<'_> {}

impl<'a> SharedMatrix<'a> {
    /// `matrix` seen as rows of `columns` elements.
    pub fn new(matrix: &'a mut [f32], columns: usize) -> Self {
        let rows = matrix.len() / columns;
        Self { start: matrix.as_mut_ptr(), rows, columns, _matrix: PhantomData }
    }

    /// The part of the matrix in the given rows and columns.
    ///
    /// # Safety
    /// No two rectangles that are alive at the same time may overlap.
    pub unsafe fn rectangle(&self, rows: Range<usize>, columns: Range<usize>) -> Rectangle<'a> {
        assert!(rows.start <= rows.end && rows.end <= self.rows);
        assert!(columns.start <= columns.end && columns.end <= self.columns);
        Rectangle {
            start: self.start.wrapping_add(rows.start * self.columns + columns.start),
            rows: rows.len(),
            width: columns.len(),
            stride: self.columns,
            _matrix: PhantomData,
        }
    }
}

/// A part of a [`SharedMatrix`], owned by one task.
pub(super) struct Rectangle<'a> {
    start: *mut f32,
    rows: usize,
    width: usize,
    stride: usize,
    _matrix: PhantomData<&'a mut [f32]>,
}

impl Rectangle<'_> {
    /// Row `index` of the rectangle.
    #[inline]
    pub fn row(&mut self, index: usize) -> &mut [f32] {
        assert!(index < self.rows);
        // SAFETY: `rectangle` checked that its rows and columns lie inside the matrix, whose
        // exclusive borrow lives for 'a; nothing else accesses these elements, by its contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(index * self.stride), self.width) }
    }
}
