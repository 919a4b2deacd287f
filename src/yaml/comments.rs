//! A document with a remark at the end of some of its lines.

use serde_json::Value;

use super::tree::{Node, NodeValue, parse_tree};

/// Writes `value` as [`super::to_string`] does, and behind each key whose path (`sets[0].max`) has a remark, the
/// remark as a comment.
pub fn to_string_with_comments(value: &Value, remark: &dyn Fn(&str) -> Option<String>) -> String {
    let text = super::to_string(value);
    let Ok(Some(tree)) = parse_tree(&text, "what was just written") else {
        return text;
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    annotate(&tree, "", remark, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

fn annotate(
    node: &Node,
    path: &str,
    remark: &dyn Fn(&str) -> Option<String>,
    lines: &mut [String],
) {
    match &node.value {
        NodeValue::Scalar(_) => {}
        NodeValue::List(items) => {
            for (index, item) in items.iter().enumerate() {
                annotate(item, &format!("{path}[{index}]"), remark, lines);
            }
        }
        NodeValue::Mapping(entries) => {
            for entry in entries {
                let inner = match path {
                    "" => entry.key.clone(),
                    outer => format!("{outer}.{}", entry.key),
                };
                let line = entry
                    .line
                    .checked_sub(1)
                    .and_then(|line| lines.get_mut(line));
                if let (Some(remark), Some(line)) = (remark(&inner), line) {
                    line.push_str("  # ");
                    line.push_str(&remark);
                }
                annotate(&entry.node, &inner, remark, lines);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_remark_stands_behind_its_key_and_changes_nothing() {
        let value = json!({
            "name": "arc # no comment",
            "text": "two\nlines\n",
            "sets": [{"max": 1, "labels": ["a", "b"]}, {"max": 2}],
            "empty": {},
        });
        let known = ["name", "text", "sets[0].labels", "sets[1].max", "empty"];
        let remark = |path: &str| known.contains(&path).then(|| format!("of {path}"));
        let text = to_string_with_comments(&value, &remark);
        let read = super::super::parse_documents(&text, "x").unwrap();
        assert_eq!(read, [value], "{text}");
        for path in known {
            let key = path.rsplit('.').next().unwrap();
            let line = text
                .lines()
                .find(|line| line.ends_with(&format!("  # of {path}")));
            assert!(
                line.is_some_and(|line| line.contains(key)),
                "{path}: {text}"
            );
        }
        assert_eq!(text.matches("  # of").count(), known.len(), "{text}");
    }
}
