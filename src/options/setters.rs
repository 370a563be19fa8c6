//! Options as builders: `TrainingOptions::default().batch_size(4).mask_ratio(0.5)`.

/// A method per field that sets it and hands the options on.
macro_rules! setters {
    ($options:ty { $($(#[$doc:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        impl $options {
            $(
                $(#[$doc])*
                pub fn $field(mut self, $field: $kind) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

pub(crate) use setters;
