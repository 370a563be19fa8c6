//! A few of many, when not all have room in a figure.

/// Places, from 0, of at most `most` things that are spread evenly over `all`; the first is among them.
pub(super) fn evenly_spread(all: usize, most: usize) -> impl Iterator<Item = usize> {
    let shown = all.min(most);
    (0..shown).map(move |place| place * all / shown)
}
