//! Setters by value, written once: `name: type;` sets the field of that name, `name: type => value;` to a value made of it.
//!
//! Not a derive: notebooks expand no procedural macros when they work out types.

macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $type:ty $(=> $value:expr)?;)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $crate::setters::setters!(@ $field $(=> $value)?);
            self
        }
    )+};
    (@ $field:ident) => { $field };
    (@ $field:ident => $value:expr) => { $value };
}
pub(crate) use setters;
