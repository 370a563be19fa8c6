//! Files that stand for content which is stored elsewhere.

use std::fs;
use std::path::Path;

use super::places::file_name;

/// Why a file cannot be found, as a clause: it is absent, or a link whose content was not fetched.
pub(crate) fn missing_content(path: &Path) -> String {
    match fs::read_link(path) {
        Err(_) => "there is no such file".into(),
        Ok(target) if target.to_string_lossy().contains("annex/objects/") => {
            annex(&file_name(path))
        }
        Ok(target) => {
            format!("is a link to {}, which does not exist", target.display())
        }
    }
}

/// If a file begins like a pointer to content elsewhere: what it is and which command fetches it.
pub(crate) fn pointer(start: &[u8]) -> Option<String> {
    if start.starts_with(b"version https://git-lfs") {
        return Some(
            "is a Git LFS pointer without content; run `git lfs pull` in its repository".into(),
        );
    }
    // An unlocked annexed file holds the path of its object.
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let is_annexed = line.starts_with(b"/annex/objects/") || line.starts_with(b"../.git/annex/");
    is_annexed.then(|| annex("FILE"))
}

fn annex(name: &str) -> String {
    format!("is a git-annex pointer without content; fetch it with `git annex get {name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_known_by_their_first_bytes() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        assert!(pointer(lfs).unwrap().contains("git lfs pull"));
        let annexed = b"/annex/objects/MD5E-s4--0cc175b9.nii.gz\n";
        assert!(pointer(annexed).unwrap().contains("git annex get"));
        assert_eq!(pointer(&[0x1f, 0x8b, 8, 0]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_without_target_says_where_its_content_is() {
        let folder = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &str| {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(target, &path).unwrap();
            missing_content(&path)
        };
        let annexed =
            link("a.nii.gz", "../.git/annex/objects/Xx/Yy/MD5E-s4--0c/MD5E-s4--0c.nii.gz");
        assert!(annexed.ends_with("`git annex get a.nii.gz`"), "{annexed}");
        assert!(link("b.nii", "/nowhere/b.nii").contains("/nowhere/b.nii, which does not exist"));
        assert_eq!(missing_content(&folder.path().join("c.nii")), "there is no such file");
    }
}
