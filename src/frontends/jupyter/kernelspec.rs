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
use crate::{Error, Result};

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
    fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, error))?;
    let program = env::current_exe()
        .map_err(|error| Error::input(format!("u2ad does not know its own path: {error}")))?;
    let fixed = [&*program.to_string_lossy(), "kernel", "start", "{connection_file}"];
    let spec = JupyterKernelspec {
        argv: fixed.into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect(),
        display_name: title.clone(),
        language: "starlark".to_owned(),
        metadata: Some(HashMap::from([("debugger".to_owned(), json!(false))])),
        interrupt_mode: Some("message".to_owned()),
        env: Some(HashMap::new()),
    };
    let json = with_protocol(&spec)
        .and_then(|spec| serde_json::to_vec_pretty(&spec))
        .map_err(|error| Error::input(format!("the kernelspec cannot be written: {error}")))?;
    let files: [(&str, &[u8]); 4] = [
        ("logo-svg.svg", include_bytes!("logo/logo-svg.svg")),
        ("logo-32x32.png", include_bytes!("logo/logo-32x32.png")),
        ("logo-64x64.png", include_bytes!("logo/logo-64x64.png")),
        ("kernel.json", &json),
    ];
    for (file, bytes) in files {
        files::write_whole(&folder.join(file), bytes)?;
    }
    println!("installed {name} in {}", folder.display());
    Ok(ExitCode::SUCCESS)
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
        println!("removed {}", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the installed kernels of u2ad: name and folder, and whether their program is gone.
pub fn list() -> Result<ExitCode> {
    let mut found = false;
    for kernels in everywhere() {
        let folders = fs::read_dir(&kernels).into_iter().flatten().flatten();
        let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
        folders.sort();
        for folder in folders.iter().filter(|folder| is_ours(folder)) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let gone = missing_program(folder).map(|program| {
                format!(
                    "\tits program {program} is gone; `u2ad kernel install` names the new place"
                )
            });
            println!("{name}\t{}{}", folder.display(), gone.unwrap_or_default());
            found = true;
        }
    }
    if !found {
        println!("no kernel is installed; `u2ad kernel install` installs one for you");
    }
    Ok(ExitCode::SUCCESS)
}

/// The program that a kernelspec starts, if it is not there.
fn missing_program(folder: &Path) -> Option<String> {
    let program = kernelspec(folder)?.argv.into_iter().next()?;
    (!Path::new(&program).is_file()).then_some(program)
}

fn kernelspec(folder: &Path) -> Option<JupyterKernelspec> {
    serde_json::from_slice(&fs::read(folder.join("kernel.json")).ok()?).ok()
}

/// Whether the folder holds a kernelspec that starts a kernel of ours.
fn is_ours(folder: &Path) -> bool {
    kernelspec(folder).is_some_and(|spec| {
        spec.language == "starlark"
            && spec.argv.get(1..3) == Some(&["kernel".into(), "start".into()])
    })
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

/// Everywhere Jupyter looks for kernels.
fn everywhere() -> Vec<PathBuf> {
    let path = env::var_os("JUPYTER_PATH").unwrap_or_default();
    let mut data: Vec<PathBuf> =
        env::split_paths(&path).filter(|p| !p.as_os_str().is_empty()).collect();
    data.extend(user_data());
    data.extend(active_environment().map(|prefix| prefix.join("share/jupyter")));
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
        assert_eq!(missing_program(&folder), None);
        let spec = r#"{"argv": ["/gone/u2ad", "kernel", "start", "{connection_file}"],
            "display_name": "U", "language": "starlark"}"#;
        fs::write(folder.join("kernel.json"), spec).unwrap();
        assert!(is_ours(&folder));
        assert_eq!(missing_program(&folder).as_deref(), Some("/gone/u2ad"));
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
    fn a_name_cannot_lead_elsewhere() {
        for name in ["", "../x", "a/b", ".hidden", "naïve"] {
            assert!(checked(name).is_err(), "{name:?}");
        }
        assert!(checked("u2ad-small.2").is_ok());
    }
}
