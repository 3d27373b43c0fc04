//! What templates can name, held so that what grows with each step is read only once.

use crate::fault::Fault;
use crate::render::Scope;
use chrono::{DateTime, Utc};
use jmespath::{Rcvar, Variable};
use serde_json::Value;
use std::collections::BTreeMap;

/// What templates can name. A copy shares the values, however large they are.
#[derive(Clone, Default)]
pub struct Names {
    roots: BTreeMap<String, Rcvar>,
    steps: BTreeMap<String, Rcvar>,
}

impl Names {
    /// Gives a name a value.
    ///
    /// # Errors
    ///
    /// If the value cannot be looked into.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Fault> {
        self.roots.insert(name.to_owned(), read(value)?);
        Ok(())
    }

    /// Makes an output known, as `steps.NAME`.
    ///
    /// # Errors
    ///
    /// If the output cannot be looked into.
    pub fn set_output(&mut self, name: &str, output: &Value) -> Result<(), Fault> {
        self.steps.insert(name.to_owned(), read(output)?);
        Ok(())
    }

    /// What templates can name, at one moment.
    pub fn at(&self, now: DateTime<Utc>) -> Scope {
        let mut roots = self.roots.clone();
        roots.insert("steps".to_owned(), Rcvar::new(Variable::Object(self.steps.clone())));
        Scope::of(Rcvar::new(Variable::Object(roots)), now)
    }
}

fn read(value: &Value) -> Result<Rcvar, Fault> {
    let read = Variable::try_from(value).map_err(|error| Fault::new("the pipeline", error.to_string()))?;
    Ok(Rcvar::new(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_copy_for_an_item_leaves_the_names_of_the_step_as_they_were() {
        let mut names = Names::default();
        names.set("params", &json!({"n": 1})).unwrap();
        names.set_output("list", &json!([7, 8])).unwrap();
        let mut of_item = names.clone();
        of_item.set("item", &json!({"id": 8})).unwrap();
        names.set_output("later", &json!("x")).unwrap();
        let rendered = |names: &Names, text: &str| names.at(DateTime::UNIX_EPOCH).render(&json!(text), "with");
        assert_eq!(rendered(&of_item, "${steps.list[1] == item.id && params.n}").unwrap(), json!(1));
        assert_eq!(rendered(&names, "${steps.later}").unwrap(), json!("x"));
        assert!(rendered(&names, "${item.id}").is_err());
        assert!(rendered(&of_item, "${steps.later}").is_err());
    }
}
