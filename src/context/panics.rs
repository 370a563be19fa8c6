//! Catches panics: a bug in one verb must not lose the session's values, and some crates panic at damaged files.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Message of the last panic on this thread, while it is being watched.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
    static WATCHED: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs `task`; a panic inside becomes its message with the place in our source. Other threads
/// keep reporting theirs as before.
pub(crate) fn catch<R>(task: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |panic| {
            if WATCHED.with_borrow(|watched| *watched) {
                let message = message_of(panic.payload());
                let place = panic.location().map(|place| format!(" ({place})"));
                CAUGHT.set(Some(format!("{message}{}", place.unwrap_or_default())));
            } else {
                previous(panic);
            }
        }));
    });
    // A nested call must not end the outer watch.
    let outer = WATCHED.replace(true);
    CAUGHT.take();
    let result = catch_unwind(AssertUnwindSafe(task));
    WATCHED.set(outer);
    // One that came from another thread of a pool was reported there; its payload came along.
    result.map_err(|payload| CAUGHT.take().unwrap_or_else(|| message_of(&*payload).to_owned()))
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_place() {
        let message = catch(|| panic!("out of {}", "range")).unwrap_err();
        assert!(message.starts_with("out of range (src/context/panics.rs:"), "{message}");
        assert_eq!(catch(|| 3), Ok(3));
        let elsewhere = catch(|| {
            std::thread::scope(|scope| {
                let panicked = scope.spawn(|| panic!("elsewhere")).join().unwrap_err();
                std::panic::resume_unwind(panicked)
            })
        });
        assert_eq!(elsewhere, Err::<(), _>("elsewhere".to_owned()));
    }
}
