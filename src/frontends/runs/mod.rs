//! Earlier runs: `u2ad runs` lists them, `u2ad run --resume` goes on with one that was killed, `u2ad verify`
//! runs one again and compares, `u2ad diff` compares two, `u2ad sweep` makes many.
//!
//! | file | what it holds |
//! |---|---|
//! | `list` | the table of runs |
//! | `resume` | a run that was killed goes on |
//! | `recorded` | script and working folder of a recorded run |
//! | `verify` | a second run and what it gave |
//! | `inputs` | whether the files that a run read are still the same |
//! | `work_folder` | a copy of the working folder, made of links, in which a second run may write |
//! | `rerun` | the second run itself, in a process of its own |
//! | `outputs` | the files of two runs side by side |
//! | `overwriting` | files outside of the run folders that several runs wrote |
//! | `comparison_exit` | prints a comparison and gives its exit code |
//! | `diff` | everything in which two runs differ |
//! | `sweep` | a script with every combination of some parameters |
//! | `sweep_arguments` | what the command line says of a sweep |
//! | `run_process` | a run in a process of its own: its end, and what it told |
//! | `sweep_file` | which file the table of a sweep goes to |

mod comparison_exit;
mod diff;
mod inputs;
mod list;
mod outputs;
pub(in crate::frontends) mod overwriting;
mod recorded;
mod rerun;
mod resume;
mod run_process;
mod sweep;
mod sweep_arguments;
mod sweep_file;
mod verify;
mod work_folder;

pub use self::diff::diff;
pub use self::list::list;
pub use self::rerun::rerun;
pub use self::resume::resume;
pub use self::sweep::sweep;
pub use self::sweep_arguments::SweepArguments;
pub use self::verify::verify;
