//! A question to a JSON value, in the language of the templates and as bounded as they are.

use crate::expression::Expr;
use jmespath::{Rcvar, Variable};
use serde_json::Value;

/// An expression that can be asked of any value.
///
/// ```
/// use ordinaut_pipeline::Query;
/// use serde_json::json;
///
/// let total = Query::read("items[].price | sum(@)").unwrap();
/// assert_eq!(total.ask(&json!({"items": [{"price": 2}, {"price": 3}]})).unwrap(), json!(5.0));
/// assert_eq!(Query::read("a.b").unwrap().ask(&json!({})).unwrap(), json!(null));
/// ```
#[derive(Debug)]
pub struct Query(Expr);

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to follow its name.
    pub fn read(text: &str) -> Result<Self, String> {
        Expr::read(text).map(Self)
    }

    /// The answer; null where there is none.
    ///
    /// # Errors
    ///
    /// Why it cannot be told, to follow the expression's name.
    pub fn ask(&self, value: &Value) -> Result<Value, String> {
        let data = Variable::try_from(value).map_err(|error| error.to_string())?;
        self.0.value_if_any(&Rcvar::new(data))
    }
}
