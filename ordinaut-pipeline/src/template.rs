//! Texts with expressions in `${…}`.

use crate::expression::Expr;
use crate::instant;
use chrono::TimeDelta;

/// A part of a text.
#[derive(Debug)]
pub(crate) enum Part {
    Text(String),
    Value(Expr),
    Instant(TimeDelta),
}

/// A text in its parts. `$${` is a `${` that is none.
pub(crate) fn read(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at - 1]);
            plain.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        let inner = &rest[at + 2..];
        let end = end_of(inner).ok_or_else(|| "has a ${ without its }".to_owned())?;
        parts.push(one(&inner[..end])?);
        rest = &inner[end + 1..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// An expression, with or without `${` and `}` around it.
pub(crate) fn bare(text: &str) -> Result<Part, String> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix("${").and_then(|inner| {
        let end = end_of(inner)?;
        (end + 1 == inner.len()).then(|| &inner[..end])
    });
    one(inner.unwrap_or(trimmed))
}

fn one(text: &str) -> Result<Part, String> {
    match instant::read(text) {
        Some(span) => span.map(Part::Instant),
        None => Expr::read(text.trim()).map(Part::Value),
    }
}

/// Where the `}` is that ends an expression: not one within quotes, nor of a brace of its own.
fn end_of(text: &str) -> Option<usize> {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, c) {
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<String> {
        let parts = read(text).unwrap();
        let word = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(_) => "<value>".to_owned(),
            Part::Instant(_) => "<instant>".to_owned(),
        };
        parts.iter().map(word).collect()
    }

    #[test]
    fn a_text_is_taken_apart() {
        assert_eq!(shape("no template"), ["no template"]);
        assert_eq!(shape(""), [""]);
        assert_eq!(shape("${a.b}"), ["<value>"]);
        assert_eq!(shape("x ${a} y ${now+1h}"), ["x ", "<value>", " y ", "<instant>"]);
        assert_eq!(shape("$${a} and $5 ${'}'} ${ {x: a} }"), ["${a} and $5 ", "<value>", " ", "<value>"]);
        assert!(read("${a").is_err() && read("${}").is_err());
    }

    #[test]
    fn a_condition_may_do_without_the_braces() {
        for text in ["a.b == `1`", "${a.b == `1`}", " ${ a } "] {
            assert!(matches!(bare(text), Ok(Part::Value(_))), "{text}");
        }
        assert!(bare("${a} && ${b}").is_err());
    }
}
