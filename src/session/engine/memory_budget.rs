//! How much memory the process may hold before the running cell is stopped.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ops::{MachineMemory, resident_bytes, return_freed_memory};
use crate::{Error, Result};

/// Share of the memory that this process may use, if nobody set a budget: the system and other programs
/// need the rest.
const DEFAULT_SHARE: f64 = 0.8;
/// Below this many bytes nobody asks whether there is room.
const SMALL: u64 = 1 << 20;
const GB: f64 = 1e9;
const RAISE: &str = "`u2ad --memory GB` raises the budget";

/// The budget of one session. It is about the whole process: values, models, cohorts, figures.
#[derive(Debug)]
pub(in crate::session) struct MemoryBudget {
    /// `None` where neither the user nor the system says how much there is.
    limit: Option<u64>,
    /// Bytes that the process held when the running cell exceeded the budget; 0 if it did not.
    held: AtomicU64,
}

impl MemoryBudget {
    /// A budget of `bytes`, or of a share of what this process may use.
    pub fn new(bytes: Option<u64>) -> Self {
        let share = |memory: MachineMemory| (memory.usable() as f64 * DEFAULT_SHARE) as u64;
        let limit = bytes.or_else(|| MachineMemory::read().map(share));
        Self { limit, held: AtomicU64::new(0) }
    }

    /// Whether the process holds more than it may, even without what it has freed. If so, this is
    /// remembered until [`Self::forget`].
    pub fn is_exceeded_now(&self) -> bool {
        let held = self.held_beyond();
        held.inspect(|held| self.held.store(*held, Ordering::SeqCst)).is_some()
    }

    /// Why work that is no cell must stop, if the process holds more than it may. Nothing is remembered.
    pub fn excess(&self) -> Option<String> {
        let held = self.held_beyond()?;
        Some(format!("{}; {RAISE}", stopped(held, self.limit?)))
    }

    /// Bytes that the process holds, if they exceed the budget even after freed memory was returned to
    /// the system.
    fn held_beyond(&self) -> Option<u64> {
        let limit = self.limit?;
        let is_over = |held: &u64| *held > limit;
        resident_bytes().filter(is_over)?;
        return_freed_memory();
        resident_bytes().filter(is_over)
    }

    /// Why the running cell was stopped, and what to do, if that is because it exceeded the budget.
    pub fn exceeded(&self) -> Option<(String, String)> {
        let held = self.held.load(Ordering::SeqCst);
        let limit = self.limit.filter(|_| held > 0)?;
        Some((stopped(held, limit), RAISE.to_owned()))
    }

    /// The next cell begins anew.
    pub fn forget(&self) {
        self.held.store(0, Ordering::SeqCst);
    }

    /// Refuses what would not fit beside what the process holds. `verb` makes `what`, such as "a list
    /// of 7 items", and needs `bytes` for it.
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn room_for(&self, bytes: u64, verb: &str, what: impl Fn() -> String) -> Result<()> {
        let Some(limit) = self.limit.filter(|_| bytes > SMALL) else { return Ok(()) };
        let fits = |held: u64| held.saturating_add(bytes) <= limit;
        // Where the system does not tell, at least what is too much by itself is refused.
        let held = || resident_bytes().unwrap_or(0);
        if fits(held()) {
            return Ok(());
        }
        return_freed_memory();
        let held = held();
        if fits(held) {
            return Ok(());
        }
        Err(Error::input(format!(
            "{verb}: {} takes {}, but u2ad holds {} and its memory budget is {}; `u2ad --memory GB` \
             raises the budget",
            what(),
            gigabytes(bytes),
            gigabytes(held),
            gigabytes(limit)
        )))
    }
}

fn stopped(held: u64, limit: u64) -> String {
    format!(
        "stopped before memory ran out: u2ad held {}, and its memory budget is {}",
        gigabytes(held),
        gigabytes(limit)
    )
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / GB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_all_numbers() {
        let budget = MemoryBudget::new(Some(100_000_000_000_000));
        let what = || "a list of 7 items".to_owned();
        assert!(budget.room_for(1 << 30, "list", what).is_ok());
        let error = budget.room_for(200_000_000_000_000, "list", what).unwrap_err().to_string();
        assert!(error.starts_with("list: a list of 7 items takes 200000.0 GB, but u2ad holds "));
        assert!(error.contains("budget is 100000.0 GB; `u2ad --memory GB` raises"), "{error}");
        // Nobody minds little things, even when there is no room at all.
        let none = MemoryBudget::new(Some(1));
        assert!(none.room_for(1000, "list", what).is_ok());
        assert!(none.room_for(2 << 20, "list", what).is_err());
    }

    #[test]
    fn an_exceeded_budget_is_remembered_until_the_next_cell() {
        let budget = MemoryBudget::new(Some(1));
        assert!(budget.exceeded().is_none());
        if resident_bytes().is_none() {
            return;
        }
        assert!(budget.is_exceeded_now());
        assert!(budget.exceeded().unwrap().0.contains("its memory budget is 0.0 GB"));
        budget.forget();
        assert!(budget.exceeded().is_none());
        assert!(!MemoryBudget::new(Some(u64::MAX)).is_exceeded_now());
    }

    #[test]
    fn without_a_setting_the_budget_is_most_of_the_machine() {
        let Some(machine) = MachineMemory::read() else { return };
        let limit = MemoryBudget::new(None).limit.unwrap();
        assert!((machine.usable() / 2..machine.usable()).contains(&limit));
    }
}
