//! Installing the kernel for Jupyter: the folder with `kernel.json` and the logo.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use jupyter_protocol::JupyterKernelspec;
use serde_json::{Value, json};

use super::protocol::PROTOCOL_VERSION;
use crate::files;
use crate::frontends::documentation::print_whole;
use crate::{Error, Result};

/// The kernel's name in menus, unless another is asked for.
pub const DEFAULT_TITLE: &str = "U²AD (Starlark)";

/// What the kernelspec in the Python wheel starts: the program that pip installs beside it. Jupyter
/// replaces the name in braces by the folder of the kernelspec, so that it works in every Python
/// environment, active or not.
#[cfg(test)]
const WHEEL_PROGRAM: &str = "{resource_dir}/../../../../bin/u2ad";

/// Where kernels are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// For this user: `~/.local/share/jupyter` or what the platform has instead.
    User,
    /// `PREFIX/share/jupyter`.
    Prefix(PathBuf),
    /// The Python environment that is active.
    SysPrefix,
}

/// A kernel as it is to be installed.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Name of its folder, and its name in Jupyter's commands.
    pub name: String,
    /// Name of the kernel in menus.
    pub title: String,
    pub place: Place,
    /// Further arguments of `u2ad kernel start`.
    pub arguments: Vec<String>,
}

/// Writes the kernelspec and says where it is.
///
/// # Errors
/// If the name cannot name a folder, the place does not exist or the file cannot be written.
pub fn install(installation: &Installation) -> Result<ExitCode> {
    let Installation { name, title, place, arguments } = installation;
    let folder = kernels(place)?.join(checked(name)?);
    if folder.exists() && !is_ours(&folder) {
        return Err(Error::file(
            &folder,
            "this is another program's kernel; choose another --name",
        ));
    }
    files::make_folder(&folder)?;
    let program = env::current_exe()
        .map_err(|error| Error::input(format!("u2ad does not know its own path: {error}")))?;
    let program = program.to_string_lossy();
    for (file, bytes) in folder_files(&program, title, arguments)? {
        files::write_whole(&folder.join(file), &bytes)?;
    }
    print_whole(format!("installed {name} in {}\n", folder.display()).as_bytes())
}

/// The files of a kernelspec that starts `program`, by name.
fn folder_files(
    program: &str,
    title: &str,
    arguments: &[String],
) -> Result<[(&'static str, Vec<u8>); 4]> {
    let fixed = [program, "kernel", "start", "{connection_file}"];
    let spec = JupyterKernelspec {
        argv: fixed.into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect(),
        display_name: title.to_owned(),
        language: "starlark".to_owned(),
        metadata: Some(HashMap::from([("debugger".to_owned(), json!(false))])),
        interrupt_mode: Some("message".to_owned()),
        env: Some(HashMap::new()),
    };
    let json = with_protocol(&spec)
        .and_then(|spec| serde_json::to_vec_pretty(&spec))
        .map_err(|error| Error::input(format!("the kernelspec cannot be written: {error}")))?;
    Ok([
        ("logo-svg.svg", include_bytes!("logo/logo-svg.svg").to_vec()),
        ("logo-32x32.png", include_bytes!("logo/logo-32x32.png").to_vec()),
        ("logo-64x64.png", include_bytes!("logo/logo-64x64.png").to_vec()),
        ("kernel.json", json),
    ])
}

/// The kernelspec with the version of the protocol that the kernel speaks, so that clients need not
/// start it to find out.
fn with_protocol(spec: &JupyterKernelspec) -> serde_json::Result<Value> {
    let mut spec = serde_json::to_value(spec)?;
    spec["kernel_protocol_version"] = PROTOCOL_VERSION.into();
    Ok(spec)
}

/// Removes the kernelspec called `name`, from `place` or from wherever Jupyter finds it.
///
/// # Errors
/// If there is none, or it belongs to another program.
pub fn uninstall(name: &str, place: Option<&Place>) -> Result<ExitCode> {
    let name = checked(name)?;
    let folders = match place {
        Some(place) => vec![kernels(place)?],
        None => everywhere(),
    };
    let found: Vec<_> =
        folders.iter().map(|folder| folder.join(name)).filter(|folder| folder.exists()).collect();
    if found.is_empty() {
        return Err(Error::input(format!(
            "there is no kernel {name}; `u2ad kernel list` shows the installed ones"
        )));
    }
    for folder in found {
        if !is_ours(&folder) {
            return Err(Error::file(&folder, "this is another program's kernel"));
        }
        fs::remove_dir_all(&folder).map_err(|error| Error::file(&folder, error))?;
        print_whole(format!("removed {}\n", folder.display()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A kernel of u2ad that Jupyter finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledKernel {
    pub name: String,
    pub folder: PathBuf,
    /// What it starts, a path or a name; `None` if its `kernel.json` is not valid.
    pub program: Option<PathBuf>,
}

impl InstalledKernel {
    /// The program that it starts, if it is not there. A bare name is looked up on the path when the
    /// kernel starts.
    pub fn missing_program(&self) -> Option<&Path> {
        let program = self.program.as_deref()?;
        (program.components().count() > 1 && !program.is_file()).then_some(program)
    }
}

/// Prints the installed kernels of u2ad: name and folder, and whether their program is gone.
pub fn list() -> Result<ExitCode> {
    let kernels: Vec<_> = installed().into_iter().filter(|k| k.program.is_some()).collect();
    let mut lines = String::new();
    for kernel in &kernels {
        let InstalledKernel { name, folder, .. } = kernel;
        let gone = kernel.missing_program().map(|program| {
            format!(
                "\tits program {} is gone; `u2ad kernel install` names the new place",
                program.display()
            )
        });
        lines += &format!("{name}\t{}{}\n", folder.display(), gone.unwrap_or_default());
    }
    if kernels.is_empty() {
        lines += "no kernel is installed; `u2ad kernel install` installs one for you\n";
    }
    print_whole(lines.as_bytes())
}

/// The kernels of u2ad, wherever Jupyter looks for kernels.
pub fn installed() -> Vec<InstalledKernel> {
    everywhere().iter().flat_map(|kernels| installed_in(kernels)).collect()
}

fn installed_in(kernels: &Path) -> Vec<InstalledKernel> {
    let folders = fs::read_dir(kernels).into_iter().flatten().flatten();
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    let kernel = |folder: PathBuf| {
        let name = folder.file_name()?.to_string_lossy().into_owned();
        let program = match kernelspec(&folder) {
            // As Jupyter does it.
            Some(spec) if starts_ours(&spec) => {
                Some(spec.argv[0].replace("{resource_dir}", &folder.to_string_lossy()).into())
            }
            // Nobody else's: its name is ours, and it cannot be read.
            None if name == "u2ad" => None,
            _ => return None,
        };
        Some(InstalledKernel { name, folder, program })
    };
    folders.into_iter().filter_map(kernel).collect()
}

/// Whether the folder holds a kernelspec that starts a kernel of ours.
fn is_ours(folder: &Path) -> bool {
    kernelspec(folder).is_some_and(|spec| starts_ours(&spec))
}

/// What `kernel.json` in a folder says, if it is there and valid.
fn kernelspec(folder: &Path) -> Option<JupyterKernelspec> {
    serde_json::from_slice(&fs::read(folder.join("kernel.json")).ok()?).ok()
}

fn starts_ours(spec: &JupyterKernelspec) -> bool {
    spec.language == "starlark" && spec.argv.get(1..3) == Some(&["kernel".into(), "start".into()])
}

/// A name that Jupyter takes.
fn checked(name: &str) -> Result<&str> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(is_allowed) || name.starts_with('.') {
        return Err(Error::input(format!(
            "a kernel's name has letters, digits, dots, dashes and underscores, not \"{name}\""
        )));
    }
    Ok(name)
}

/// The folder of all kernels at a place.
fn kernels(place: &Place) -> Result<PathBuf> {
    let data = match place {
        Place::User => user_data()?,
        Place::Prefix(prefix) => prefix.join("share/jupyter"),
        Place::SysPrefix => sys_prefix()?.join("share/jupyter"),
    };
    Ok(data.join("kernels"))
}

fn user_data() -> Result<PathBuf> {
    match env::var_os("JUPYTER_DATA_DIR").filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => jupyter_zmq_client::user_data_dir().map_err(|error| {
            Error::input(format!("there is no folder for this user's kernels: {error}"))
        }),
    }
}

/// The active Python environment, by its variable or by asking Python.
fn sys_prefix() -> Result<PathBuf> {
    if let Some(prefix) = active_environment() {
        return Ok(prefix);
    }
    let ask = Command::new("python3").args(["-c", "import sys; print(sys.prefix)"]).output();
    let prefix = ask.ok().filter(|answer| answer.status.success());
    let prefix = prefix.and_then(|answer| String::from_utf8(answer.stdout).ok());
    prefix
        .map(|prefix| PathBuf::from(prefix.trim()))
        .ok_or_else(|| Error::input("no Python environment is active; use --user or --prefix"))
}

fn active_environment() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|path| !path.is_empty());
    variable("VIRTUAL_ENV").or_else(|| variable("CONDA_PREFIX")).map(PathBuf::from)
}

/// The environment that this program was installed into. Its Jupyter finds the kernels there even if
/// the environment is not active.
fn own_environment() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let folder = program.parent().filter(|folder| folder.ends_with("bin"))?;
    Some(folder.parent()?.to_path_buf())
}

/// Everywhere Jupyter looks for kernels.
fn everywhere() -> Vec<PathBuf> {
    let path = env::var_os("JUPYTER_PATH").unwrap_or_default();
    let mut data: Vec<PathBuf> =
        env::split_paths(&path).filter(|p| !p.as_os_str().is_empty()).collect();
    data.extend(user_data());
    data.extend(active_environment().map(|prefix| prefix.join("share/jupyter")));
    data.extend(own_environment().map(|prefix| prefix.join("share/jupyter")));
    data.extend(jupyter_zmq_client::system_data_dirs());
    let mut kernels: Vec<_> = data.into_iter().map(|data| data.join("kernels")).collect();
    let mut seen = std::collections::HashSet::new();
    kernels.retain(|folder| seen.insert(folder.clone()));
    kernels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(prefix: &Path, name: &str) -> Installation {
        Installation {
            name: name.to_owned(),
            title: "U²AD".to_owned(),
            place: Place::Prefix(prefix.to_path_buf()),
            arguments: vec!["--seed".to_owned(), "3".to_owned()],
        }
    }

    #[test]
    fn an_installed_kernel_starts_this_program_and_can_be_removed() {
        let prefix = tempfile::tempdir().unwrap();
        install(&installation(prefix.path(), "u2ad-test")).unwrap();
        let folder = prefix.path().join("share/jupyter/kernels/u2ad-test");
        let spec: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("kernel.json")).unwrap()).unwrap();
        assert_eq!(spec["argv"][3], "{connection_file}");
        assert_eq!(spec["argv"][5], "3");
        assert_eq!(spec["interrupt_mode"], "message");
        assert_eq!(spec["kernel_protocol_version"], "5.4");
        assert!(is_ours(&folder));
        for (file, side) in [("logo-32x32.png", 32), ("logo-64x64.png", 64)] {
            let logo = image::load_from_memory(&fs::read(folder.join(file)).unwrap()).unwrap();
            assert_eq!((logo.width(), logo.height()), (side, side), "{file}");
        }
        assert!(fs::read_to_string(folder.join("logo-svg.svg")).unwrap().starts_with("<svg "));
        // Installing again is not an error: the program may have moved.
        install(&installation(prefix.path(), "u2ad-test")).unwrap();
        let place = Place::Prefix(prefix.path().to_path_buf());
        uninstall("u2ad-test", Some(&place)).unwrap();
        assert!(!folder.exists());
        assert!(uninstall("u2ad-test", Some(&place)).is_err());
    }

    #[test]
    fn a_kernel_whose_program_is_gone_is_known() {
        let prefix = tempfile::tempdir().unwrap();
        install(&installation(prefix.path(), "u2ad-test")).unwrap();
        let folder = prefix.path().join("share/jupyter/kernels/u2ad-test");
        let missing = || {
            let kernel = installed_in(folder.parent().unwrap()).remove(0);
            kernel.missing_program().map(Path::to_path_buf)
        };
        assert_eq!(missing(), None);
        let spec = r#"{"argv": ["/gone/u2ad", "kernel", "start", "{connection_file}"],
            "display_name": "U", "language": "starlark"}"#;
        fs::write(folder.join("kernel.json"), spec).unwrap();
        assert!(is_ours(&folder));
        assert_eq!(missing(), Some(PathBuf::from("/gone/u2ad")));
    }

    #[test]
    fn other_kernels_are_left_alone() {
        let prefix = tempfile::tempdir().unwrap();
        let folder = prefix.path().join("share/jupyter/kernels/python3");
        fs::create_dir_all(&folder).unwrap();
        let spec = r#"{"argv": ["python3", "-m", "x"], "display_name": "P", "language": "python"}"#;
        fs::write(folder.join("kernel.json"), spec).unwrap();
        assert!(install(&installation(prefix.path(), "python3")).is_err());
        let place = Place::Prefix(prefix.path().to_path_buf());
        assert!(uninstall("python3", Some(&place)).is_err());
        assert!(folder.exists());
    }

    #[test]
    fn the_kernelspec_of_the_wheel_is_the_one_that_this_program_writes() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = source.join("wheel/data/share/jupyter/kernels/u2ad");
        if !folder.exists() {
            println!("skipped: the files of the wheel are in the repository only");
            return;
        }
        let value = |json: &[u8]| serde_json::from_slice::<Value>(json).ok();
        for (file, bytes) in folder_files(WHEEL_PROGRAM, DEFAULT_TITLE, &[]).unwrap() {
            let path = folder.join(file);
            if env::var_os("U2AD_WRITE_WHEEL_DATA").is_some() {
                fs::write(&path, &bytes).unwrap();
            }
            let found = fs::read(&path).unwrap_or_default();
            // What else is compiled in may change the order in an object.
            let is_same = match file {
                "kernel.json" => value(&found) == value(&bytes),
                _ => found == bytes,
            };
            assert!(is_same, "U2AD_WRITE_WHEEL_DATA=1 cargo test writes a new {file}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
        // It starts the program that the same wheel installs.
        let found = &installed_in(folder.parent().unwrap())[0];
        let program = found.program.clone().unwrap();
        let parts: Vec<_> = program.strip_prefix(&found.folder).unwrap().components().collect();
        let up = parts.iter().filter(|part| part.as_os_str() == "..").count();
        let data = folder.ancestors().nth(up).unwrap();
        assert!(data.ends_with("wheel/data") && program.ends_with("bin/u2ad"), "{program:?}");
    }

    #[test]
    fn a_kernelspec_of_ours_that_cannot_be_read_is_listed_without_a_program() {
        let prefix = tempfile::tempdir().unwrap();
        install(&installation(prefix.path(), "u2ad")).unwrap();
        let kernels = prefix.path().join("share/jupyter/kernels");
        let program = installed_in(&kernels)[0].program.clone();
        assert_eq!(program, Some(env::current_exe().unwrap()));
        fs::write(kernels.join("u2ad/kernel.json"), "{").unwrap();
        let [found] = &installed_in(&kernels)[..] else { panic!("it is not listed") };
        assert_eq!((&*found.name, &found.program), ("u2ad", &None));
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for name in ["", "../x", "a/b", ".hidden", "naïve"] {
            assert!(checked(name).is_err(), "{name:?}");
        }
        assert!(checked("u2ad-small.2").is_ok());
    }
}
