//! One spelling for one content: JSON with keys in byte order and no white space.

use serde_json::Value;

/// The canonical text of a JSON value.
///
/// ```
/// use foothold::audit::canonical;
/// let value = serde_json::json!({"b": [1, null, 0.5], "a": {"z": "é", "y": true}});
/// assert_eq!(canonical(&value), r#"{"a":{"y":true,"z":"é"},"b":[1,null,0.5]}"#);
/// ```
pub fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
