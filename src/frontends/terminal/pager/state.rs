//! What the pager shows, and how keys change it.

use super::keys::Key;
use crate::figures::{SliceStack, SliceView};

/// Steps of the narrowest intensity window.
const MOST_CONTRAST: u32 = 8;

/// The slice shown and how, and the number that is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PagerState {
    pub view: SliceView,
    slices: usize,
    layers: usize,
    /// Digits of a slice's number so far; 0 without any.
    number: usize,
}

impl PagerState {
    pub fn new(stack: &dyn SliceStack) -> Self {
        let (slices, layers) = (stack.count(), stack.layers().len());
        let view = SliceView { slice: stack.first(), ..SliceView::default() };
        Self { view, slices, layers, number: 0 }
    }

    /// Does what a key asks for. Whether the user wants to go on.
    pub fn press(&mut self, key: Key) -> bool {
        let number = std::mem::take(&mut self.number);
        let last = self.slices.saturating_sub(1);
        let SliceView { slice, layer, contrast } = &mut self.view;
        match key {
            Key::Previous => *slice = slice.saturating_sub(1),
            Key::Next => *slice = (*slice + 1).min(last),
            Key::First => *slice = 0,
            Key::Last => *slice = last,
            Key::Digit(digit) => {
                // A digit goes on with the number before it, as far as there is such a slice.
                let longer = [number.saturating_mul(10).saturating_add(digit), digit];
                let there = longer.into_iter().find(|number| (1..=self.slices).contains(number));
                if let Some(there) = there {
                    *slice = there - 1;
                    self.number = there;
                }
            }
            Key::Layer => *layer = (*layer + 1) % self.layers.max(1),
            Key::Narrower => *contrast = (*contrast + 1).min(MOST_CONTRAST),
            Key::Wider => *contrast = contrast.saturating_sub(1),
            Key::Back => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(slices: usize, slice: usize) -> PagerState {
        let view = SliceView { slice, ..SliceView::default() };
        PagerState { view, slices, layers: 3, number: 0 }
    }

    fn after(mut state: PagerState, keys: &[Key]) -> SliceView {
        keys.iter().for_each(|key| assert!(state.press(*key)));
        state.view
    }

    #[test]
    fn the_ends_are_ends() {
        use Key::{First, Last, Next, Previous};
        let slice = |keys: &[Key]| after(state(3, 1), keys).slice;
        assert_eq!(slice(&[Previous]), 0);
        assert_eq!(slice(&[Previous, Previous]), 0);
        assert_eq!(slice(&[Next, Next, Next]), 2);
        assert_eq!([slice(&[Last]), slice(&[First])], [2, 0]);
    }

    #[test]
    fn a_number_is_typed_digit_by_digit() {
        let slice = |digits: &[usize]| {
            let keys: Vec<Key> = digits.iter().copied().map(Key::Digit).collect();
            after(state(12, 5), &keys).slice + 1
        };
        assert_eq!([slice(&[3]), slice(&[1]), slice(&[1, 2])], [3, 1, 12]);
        assert_eq!(slice(&[1, 3]), 3, "there is no slice 13");
        assert_eq!(slice(&[0]), 6, "there is no slice 0");
        assert_eq!(slice(&[1, 2, 9]), 9);
        let apart = after(state(12, 5), &[Key::Digit(1), Key::Layer, Key::Digit(2)]);
        assert_eq!(apart.slice + 1, 2, "another key ends the number");
    }

    #[test]
    fn layers_go_round_and_the_window_has_ends() {
        use Key::{Layer, Narrower, Wider};
        assert_eq!(after(state(3, 0), &[Layer; 2]).layer, 2);
        assert_eq!(after(state(3, 0), &[Layer; 3]).layer, 0);
        assert_eq!(after(state(3, 0), &[Wider]).contrast, 0);
        assert_eq!(after(state(3, 0), &[Narrower; 30]).contrast, MOST_CONTRAST);
        assert_eq!(after(state(3, 0), &[Narrower, Narrower, Wider]).contrast, 1);
    }

    #[test]
    fn back_ends_it_and_changes_nothing() {
        let mut one = state(1, 0);
        assert!(!one.press(Key::Back));
        assert_eq!(one, state(1, 0));
    }
}
