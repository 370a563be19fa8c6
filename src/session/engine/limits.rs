//! What the language cannot take, and the sentence for it.

/// The sentence for a panic that the language ends with when a value or number is too large for it, or when the system
/// refuses memory. Nothing is lost then: the value was not made.
pub(super) fn sentence(panic: &str) -> Option<String> {
    // In the order of the library that says it: lengths of texts, sizes, items of lists, vectors.
    let too_large = [
        "len overflow",
        "AlignedSize must not exceed u32::MAX",
        "capacity overflows u32::MAX",
        "capacity overflow",
    ];
    if too_large.iter().any(|start| panic.starts_with(start)) {
        return Some("a text, list or tuple cannot take 4 GiB or more".to_owned());
    }
    if panic.starts_with("Unrepresentable number") {
        return Some("a number in the JSON text is larger than any float".to_owned());
    }
    panic.starts_with("out of memory").then(|| "the system has no memory for this value".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::panics;

    #[test]
    fn panics_about_size_get_a_sentence_and_others_do_not() {
        let vector = panics::catch(|| drop(Vec::<u64>::with_capacity(usize::MAX))).unwrap_err();
        assert!(sentence(&vector).unwrap().contains("4 GiB"), "{vector}");
        let text = "out of memory (/r/bumpalo-3.20.2/src/lib.rs:1:2)";
        assert_eq!(sentence(text).unwrap(), "the system has no memory for this value");
        let number = "Unrepresentable number: Number(\"1e400\")";
        assert!(sentence(number).unwrap().contains("larger than any float"));
        let other = panics::catch(|| panic!("a lesion without capacity")).unwrap_err();
        assert_eq!(sentence(&other), None);
    }
}
