//! The text of tables that spreadsheets and programs write: encodings, separators and lines.

use crate::context::counted;

/// The rows of a table that are not blank.
#[derive(Debug)]
pub(super) struct Records {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// The other rows, each with its line number.
    pub(super) rows: Vec<(u64, Vec<String>)>,
    pub(super) separator: Separator,
}

/// What stands between the cells of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Separator(u8);

impl Separator {
    /// Gives a row as many cells as the header has. Spreadsheets leave separators behind the last cell: empty cells there
    /// are cut off, and columns without a name are filled up.
    ///
    /// # Errors
    /// If a cell has no column, or a named column no cell: a clause that says what to do.
    pub(super) fn fit(
        self,
        values: &mut Vec<String>,
        header: &[String],
        line: u64,
    ) -> Result<(), String> {
        let has = values.len();
        let beyond = |cells: &[String], from: usize| cells.iter().skip(from).all(String::is_empty);
        if beyond(values, header.len()) && beyond(header, has) {
            values.resize(header.len(), String::new());
            return Ok(());
        }
        let wanted = header.len();
        let advice = match (self.0, has < wanted) {
            (b'\t', true) => "separate them with tabs".to_owned(),
            (b'\t', false) => "remove the tab that is too many, or name the column".to_owned(),
            (_, true) => format!("separate them with {}s, as the header is", self.name()),
            (mark, false) => {
                let mark = char::from(mark);
                format!(
                    "a value that holds a {}, such as 40{mark}5, needs quotation marks around it: \"40{mark}5\"",
                    self.name()
                )
            }
        };
        Err(format!(
            "line {line} has {}, the header has {wanted}; {advice}",
            counted(has, "column")
        ))
    }

    fn name(self) -> String {
        match self.0 {
            b'\t' => "tab".to_owned(),
            b';' => "semicolon".to_owned(),
            b',' => "comma".to_owned(),
            other => format!("{:?} sign", char::from(other)),
        }
    }
}

/// The text of a table: UTF-8, UTF-16 or UTF-32. The latter two are told by their mark, or by the zero bytes around the
/// first letter, which is one of the Latin alphabet in any table with known columns.
///
/// # Errors
/// If it is in another encoding, or no text: a clause that says what to do.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "is not valid UTF-16 text; save it as UTF-8".into())
    };
    let widest = |bytes: &[u8], unit: fn([u8; 4]) -> u32| {
        let units = bytes.chunks_exact(4).map(|of| unit([of[0], of[1], of[2], of[3]]));
        let text: Option<String> = units.map(char::from_u32).collect();
        text.ok_or_else(|| "is not valid UTF-32 text; save it as UTF-8".to_owned())
    };
    match &bytes[..] {
        // The mark of UTF-32 begins with that of UTF-16.
        [0xff, 0xfe, 0, 0, rest @ ..] => widest(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => widest(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [(1..), 0, 0, 0, ..] => widest(&bytes, u32::from_le_bytes),
        [0, 0, 0, (1..), ..] => widest(&bytes, u32::from_be_bytes),
        [(1..), 0, ..] => wide(&bytes, u16::from_le_bytes),
        [0, (1..), ..] => wide(&bytes, u16::from_be_bytes),
        [b'P', b'K', 3, 4, ..] => Err("is a spreadsheet; save it as tab-separated text".into()),
        _ if bytes.contains(&0) => {
            Err("holds zero bytes, so it is no text; save it as tab-separated text".into())
        }
        _ => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()),
            Err(_) => Err("is not UTF-8 text; save it as UTF-8".into()),
        },
    }
}

/// The rows that are not blank. Cells are separated by what a first line `sep=;` says, else by tabs or, if the first line
/// has none, by semicolons or commas.
pub(super) fn records(text: &str) -> Result<Records, String> {
    let (said, text) = said_separator(text);
    let first = first_row(text);
    let there = [b'\t', b';', b','].into_iter().find(|&mark| first.contains(char::from(mark)));
    let delimiter = said.or(there).unwrap_or(b'\t');
    let read = |quoting: bool| -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(quoting)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let (mut rows, mut lines) = (Vec::new(), Lines::of(text));
        for record in reader.records() {
            let record = record.map_err(|error| format!("cannot be read ({error})"))?;
            let line = lines.at(record.position().map_or(0, csv::Position::byte) as usize);
            if record.iter().any(|cell| !cell.is_empty()) {
                rows.push((line, record.iter().map(str::to_owned).collect()));
            }
        }
        Ok(rows)
    };
    let rows = read(true)?;
    // A cell that begins with a stray quotation mark would take the lines below it along. Where the table is whole without
    // quotation, or the mark is not closed at the end of a cell, it is a stray one.
    let swallows =
        |(_, cells): &(u64, Vec<String>)| cells.iter().any(|cell| cell.contains(['\n', '\r']));
    let rows = if rows.iter().any(swallows) {
        let lines = read(false)?;
        let is_stray = is_whole(&lines, Separator(delimiter)) || !quotations_close(text, delimiter);
        if is_stray { lines } else { rows.into_iter().map(on_one_line).collect() }
    } else {
        rows
    };
    let mut rows = rows.into_iter();
    let header = rows.next().map(|(_, header)| header).unwrap_or_default();
    Ok(Records { header, rows: rows.collect(), separator: Separator(delimiter) })
}

/// What stands outside of quotation marks in the first row that is not blank, which may go on over several lines; the first
/// line as it is where its quotation never ends.
fn first_row(text: &str) -> String {
    let text = text.trim_start();
    let (mut quoted, mut outside) = (false, String::new());
    // Where a quotation begins: with a cell, or behind a quotation mark, with which it stands for one.
    let mut begins = true;
    for letter in text.chars() {
        match letter {
            '"' if quoted || begins => (quoted, begins) = (!quoted, true),
            _ if quoted => {}
            '\n' | '\r' => return outside,
            _ => {
                begins = matches!(letter, '\t' | ';' | ',');
                outside.push(letter);
            }
        }
    }
    match quoted {
        true => text.split(['\n', '\r']).next().unwrap_or_default().to_owned(),
        false => outside,
    }
}

/// Whether each row has as many cells as the first one.
fn is_whole(rows: &[(u64, Vec<String>)], separator: Separator) -> bool {
    let Some(((_, header), others)) = rows.split_first() else { return true };
    others.iter().all(|(line, cells)| separator.fit(&mut cells.clone(), header, *line).is_ok())
}

/// Whether a quotation mark at the beginning of a cell always has another one at the end of the cell.
fn quotations_close(text: &str, delimiter: u8) -> bool {
    let is_end = |byte: u8| byte == delimiter || matches!(byte, b'\n' | b'\r');
    let mut bytes = text.bytes().peekable();
    let mut begins = true;
    while let Some(byte) = bytes.next() {
        if !(begins && byte == b'"') {
            begins = is_end(byte);
            continue;
        }
        // Two quotation marks in a row stand for one.
        loop {
            match bytes.next() {
                None => return false,
                Some(b'"') if bytes.next_if_eq(&b'"').is_none() => break,
                Some(_) => {}
            }
        }
        while bytes.next_if_eq(&b' ').is_some() {}
        if bytes.peek().is_some_and(|&byte| !is_end(byte)) {
            return false;
        }
        begins = false;
    }
    true
}

/// A row whose cells hold no line ends, so that they can be compared and named in a sentence.
fn on_one_line((line, cells): (u64, Vec<String>)) -> (u64, Vec<String>) {
    let joined = |cell: String| match cell.contains(['\n', '\r']) {
        true => cell.split_whitespace().collect::<Vec<_>>().join(" "),
        false => cell,
    };
    (line, cells.into_iter().map(joined).collect())
}

/// The number of a line below the first one that has a cell called `column`: the header of a table that has a title
/// above it.
pub(super) fn header_below(text: &str, column: &str) -> Option<usize> {
    let (said, rest) = said_separator(text);
    let rest = rest.replace("\r\n", "\n");
    let is_it = |cell: &str| cell.trim_matches(['"', ' ']).eq_ignore_ascii_case(column);
    let separators = ['\t', ';', ',', said.map_or('\t', char::from)];
    let lines = rest.split(['\n', '\r']).enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut below = lines.skip(1).filter(|(_, line)| line.split(separators).any(is_it));
    Some(below.next()?.0 + 1)
}

/// Counts the lines of a text from front to back. The reader counts line ends of one kind only, and begins a row at the
/// blank lines above it.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Up to where they are counted.
    end: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), end: 0, line: 1 }
    }

    /// The number of the first line that is not empty at or after this place, which lies behind the last one.
    fn at(&mut self, place: usize) -> u64 {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let blank = self.bytes.iter().skip(place).take_while(|byte| is_end(byte)).count();
        while self.end < (place + blank).min(self.bytes.len()) {
            let pair = (self.bytes[self.end], self.bytes.get(self.end + 1));
            // A carriage return before a line feed ends the line with it.
            self.line += u64::from(is_end(&pair.0) && pair != (b'\r', Some(&b'\n')));
            self.end += 1;
        }
        self.line
    }
}

/// The separator that a first line such as `sep=;` tells spreadsheets, and the text without what that line says: the line
/// stays, so that others keep their numbers.
fn said_separator(text: &str) -> (Option<u8>, &str) {
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    let line = line.trim_start_matches(['"', ' ']);
    let Some(mark) =
        line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).and_then(|_| {
            let mark = line.as_bytes().get(4).copied()?;
            // A spreadsheet that saves the table again adds separators behind it.
            let mut behind = line.bytes().skip(4).filter(|byte| *byte != b'"');
            (mark.is_ascii_punctuation() || mark == b'\t').then_some(())?;
            behind.all(|byte| byte == mark || byte == b' ').then_some(mark)
        })
    else {
        return (None, text);
    };
    (Some(mark), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_other_encodings_are_read_or_named() {
        let text = "participant_id\tgroup\nsub-é\thc\n";
        let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(bytes);
            decode(mark.iter().copied().chain(units).collect()).unwrap()
        };
        let widest = |mark: &[u8], bytes: fn(u32) -> [u8; 4]| {
            let units = text.chars().map(u32::from).flat_map(bytes);
            decode(mark.iter().copied().chain(units).collect()).unwrap()
        };
        for (little, big) in [(&[][..], &[][..]), (&[0xff, 0xfe], &[0xfe, 0xff])] {
            assert_eq!(wide(little, u16::to_le_bytes), text);
            assert_eq!(wide(big, u16::to_be_bytes), text);
            let zeros = vec![0; little.len()];
            assert_eq!(widest(&[little, &zeros].concat(), u32::to_le_bytes), text);
            assert_eq!(widest(&[&zeros, big].concat(), u32::to_be_bytes), text);
        }
        assert_eq!(decode([b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap(), text);
        assert!(decode(vec![b'a', 0xe9, b'b']).unwrap_err().contains("save it as UTF-8"));
        assert!(decode(b"PK\x03\x04".to_vec()).unwrap_err().contains("spreadsheet"));
        assert!(decode(b"\xd0\xcf\0\0".to_vec()).unwrap_err().contains("no text"));
    }

    #[test]
    fn a_quoted_line_end_belongs_to_its_cell_and_a_stray_quotation_mark_does_not() {
        let read = |text: &str| {
            let records = records(text).unwrap();
            let rows: Vec<String> = records
                .rows
                .iter()
                .map(|(at, cells)| format!("{at}: {}", cells.join("|")))
                .collect();
            (records.header.join("|"), rows.join(", "))
        };
        let of = |header: &str, rows: &str| (header.to_owned(), rows.to_owned());
        let text = "id,\"age\n(years)\",note\nx,40,\"tall,\r\nand \"\"so\"\" on\"\ny,41,\n";
        let (header, rows) = read(text);
        assert_eq!(header, "id|age (years)|note");
        assert_eq!(rows, "3: x|40|tall, and \"so\" on, 5: y|41|");
        assert_eq!(read("\"id\n\";\"a\nb\"\r\nx;1\r\n"), of("id|a b", "4: x|1"));
        assert_eq!(read("\"a;b\",id\n1,x\n").0, "a;b|id", "a separator in quotation marks is none");
        // A row that is too short does not change how the others are read.
        let short = "id\tnote\tage\nx\t\"a\nb\"\t1\ny\n";
        assert_eq!(read(short), of("id|note|age", "2: x|a b|1, 4: y"));
        for stray in ["id\tnote\nx\t\"tall\ny\tsmall\n", "id\tnote\nx\t\"tall\ny\t\"small\n"] {
            let second = if stray.ends_with("\"small\n") { "\"small" } else { "small" };
            assert_eq!(read(stray), of("id|note", &format!("2: x|\"tall, 3: y|{second}")));
        }
        assert_eq!(read("id\tnote\nx\t\"a\ny\tb\"\n"), of("id|note", "2: x|\"a, 3: y|b\""));
    }

    #[test]
    fn a_first_line_may_say_the_separator_and_others_keep_their_numbers() {
        for text in ["sep=;\na;b\n1;2\n", "\"Sep=;\";\r\na;b\r\n1;2\r\n", "sep=\t\na\tb\n1\t2\n"] {
            let read = records(text).unwrap();
            assert_eq!(read.header, ["a", "b"], "{text:?}");
            assert_eq!(read.rows, [(3, vec!["1".to_owned(), "2".to_owned()])], "{text:?}");
        }
        assert_eq!(records("sep=a,b\n1,2\n").unwrap().header, ["sep=a", "b"]);
        assert_eq!(header_below("sep=|\nStudy|\n\nid|b\n", "ID"), Some(4));
        assert_eq!(header_below("a,b\r\n\"id\",2\r\n", "id"), Some(2));
        assert_eq!(header_below("id,b\n1,2\n", "id"), None);
        assert!(records("").unwrap().header.is_empty());
        for end in ["\n", "\r\n", "\r"] {
            let read = records(&["a\tb", "1\t2", "", "", "3\t4", "5\t6"].join(end)).unwrap();
            let lines: Vec<u64> = read.rows.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [2, 5, 6], "{end:?}");
        }
    }
}
