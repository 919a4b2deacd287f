//! From the nodes of a document to what it says.

use serde_json::{Map, Number, Value};

use super::{Document, Meaning, Node, Place, Shape, Style};

/// What scalars say where that is not what their bytes are, by the number of the node, in the order of the text.
#[derive(Clone, Default)]
pub(super) struct Said {
    texts: Vec<(u32, String)>,
    others: Vec<(u32, Value)>,
}

impl Said {
    pub(super) fn keep(&mut self, number: u32, text: String) {
        self.texts.push((number, text));
    }

    /// A number or the like that [`simple`] does not read.
    pub(super) fn keep_other(&mut self, number: u32, value: Value) {
        self.others.push((number, value));
    }

    pub(super) fn text(&self, number: u32) -> Option<&str> {
        let at = self
            .texts
            .binary_search_by_key(&number, |(number, _)| *number);
        self.texts.get(at.ok()?).map(|(_, text)| text.as_str())
    }

    fn other(&self, number: u32) -> Option<&Value> {
        let at = self
            .others
            .binary_search_by_key(&number, |(number, _)| *number);
        self.others.get(at.ok()?).map(|(_, value)| value)
    }

    /// What is said from a node on, as of a document that begins there.
    pub(super) fn split_off(&mut self, from: u32) -> Self {
        Self {
            texts: split_off(&mut self.texts, from),
            others: split_off(&mut self.others, from),
        }
    }
}

fn split_off<T>(said: &mut Vec<(u32, T)>, from: u32) -> Vec<(u32, T)> {
    let at = said.partition_point(|(number, _)| *number < from);
    let mut behind = said.split_off(at);
    for (number, _) in &mut behind {
        *number -= from;
    }
    behind
}

impl Document<'_> {
    /// What a node says, without the values of the keys in `unread`. A document of aliases or tags is never asked.
    pub(super) fn built(&self, place: Place, unread: &[&str]) -> Value {
        let Some(node) = self.nodes.get(place.0 as usize) else {
            return Value::Null;
        };
        match node.shape {
            Shape::Scalar(_, Meaning::Other) => self.other(place, node),
            Shape::Scalar(..) => match self.said(place) {
                Some(text) => Value::String(text.to_owned()),
                None => Value::Null,
            },
            Shape::List => {
                let items = self.children(place);
                Value::Array(items.map(|item| self.built(item, unread)).collect())
            }
            Shape::Mapping => {
                let mut fields = Map::with_capacity(self.children(place).count() / 2);
                let mut children = self.children(place);
                while let (Some(key), Some(value)) = (children.next(), children.next()) {
                    let key = self.said(key).unwrap_or_default();
                    if !unread.contains(&key) {
                        fields.insert(key.to_owned(), self.built(value, unread));
                    }
                }
                Value::Object(fields)
            }
            Shape::Alias(_) => Value::Null,
        }
    }

    fn other(&self, place: Place, node: &Node) -> Value {
        if let Some(value) = self.said.other(place.0) {
            return value.clone();
        }
        let bytes = node.start as usize..node.end as usize;
        let text = self.part.text.get(bytes).unwrap_or_default();
        simple(text).unwrap_or_default()
    }

    /// The text of a scalar that is one.
    pub(super) fn said(&self, place: Place) -> Option<&str> {
        let node = self.nodes.get(place.0 as usize)?;
        match node.shape {
            Shape::Scalar(_, Meaning::Kept) => self.said.text(place.0),
            Shape::Scalar(style, Meaning::Written) => {
                written(self.part.text, node.start, node.end, style)
            }
            Shape::Scalar(_, Meaning::Other) => self.said.other(place.0)?.as_str(),
            _ => None,
        }
    }
}

/// The bytes of a scalar without its quotes.
pub(super) fn written(text: &str, start: u32, end: u32, style: Style) -> Option<&str> {
    let (start, end) = (start as usize, end as usize);
    match style {
        Style::Plain => text.get(start..end),
        Style::SingleQuoted | Style::DoubleQuoted => text.get(start + 1..end.checked_sub(1)?),
        Style::Block => None,
    }
}

/// The value of an unquoted scalar in the usual spelling of null, a boolean or a whole number.
pub(super) fn simple(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" => return Some(Value::Null),
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    let is_decimal = text.len() < 19
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    let number = is_decimal.then(|| text.parse::<u64>().ok()).flatten()?;
    Some(Value::Number(Number::from(number)))
}

/// The same in any spelling, by the reader of values; None where it says nothing of the scalar alone.
pub(super) fn other(text: &str) -> Option<Value> {
    let alone: Vec<Value> = crate::yaml::read_shallow(&format!("- {text}"), 16, 2).ok()?;
    match alone.into_iter().next_back() {
        Some(Value::Array(mut items)) if items.len() == 1 => items.pop(),
        _ => None,
    }
}

/// True where an unquoted scalar is surely text, neither number nor boolean nor null; false says nothing.
pub fn is_plain_text(text: &str) -> bool {
    let Some(first) = text.bytes().next() else {
        return false;
    };
    if first.is_ascii_alphabetic() {
        // Numbers and words of other types are short or begin otherwise: `infinity`, `false`.
        const WORDS: [&str; 12] = [
            "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan", "infinity",
        ];
        return text.len() > 8 || !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    }
    match first {
        b'/' | b'$' | b'(' | b'*' | b'{' => true,
        b'-' | b'+' | b'.' | b'0'..=b'9' => {
            // No number has these; hexadecimal digits, exponents and `.inf` take the other letters.
            text.bytes()
                .any(|byte| b"/ =@(ghjklmpqrsuvwz".contains(&byte.to_ascii_lowercase()))
        }
        _ => false,
    }
}
