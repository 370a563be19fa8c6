//! Disjoint sets that are joined step by step.

/// Disjoint sets of the numbers below a count (union-find).
pub(super) struct DisjointSets(Vec<usize>);

impl DisjointSets {
    /// Each number in a set of its own.
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The number that stands for the set of `of`.
    pub fn root(&mut self, mut of: usize) -> usize {
        while self.0[of] != of {
            self.0[of] = self.0[self.0[of]];
            of = self.0[of];
        }
        of
    }

    /// Makes one set of two. The set of `to` keeps its root.
    pub fn join(&mut self, from: usize, to: usize) {
        let (from, to) = (self.root(from), self.root(to));
        self.0[from] = to;
    }
}
