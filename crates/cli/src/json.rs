//! Messages as JSON: the canonical mapping of proto3, with the field names of the proto.

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, SerializeOptions, Value};
use roster_client::Refusal;

use crate::failure::{ANSWER, Failure, as_json};

/// The message type of an item's error.
const STATUS: &str = "google.rpc.Status";

/// Prints every message of the API, including the details of errors.
pub(crate) struct Json(DescriptorPool);

impl Json {
    pub(crate) fn new() -> Result<Self, Failure> {
        let pool = DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET);
        Ok(Self(pool.map_err(|cause| unprintable(&cause))?))
    }

    /// One line. Prints unset fields with their defaults, so that programs need not know the
    /// defaults and can tell `false` from a field that an older server does not have.
    pub(crate) fn line<M: Message + Name>(&self, message: &M) -> Result<String, Failure> {
        let name = M::full_name();
        let descriptor = self.0.get_message_by_name(&name);
        let descriptor = descriptor.ok_or_else(|| unprintable(&name))?;
        let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
            .map_err(|cause| unprintable(&cause))?;
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(false);
        let mut line = message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|cause| unprintable(&cause))?;
        tell_errors(&message, &mut line)?;
        Ok(line.to_string())
    }
}

/// Prints the errors of items like the errors of calls, with the name of the code.
fn tell_errors(message: &DynamicMessage, line: &mut serde_json::Value) -> Result<(), Failure> {
    for (field, value) in message.fields() {
        let Some(told) = line.get_mut(field.name()) else {
            continue;
        };
        match value {
            Value::Message(inner) => tell_error(inner, told)?,
            Value::List(items) => {
                let told = told.as_array_mut().into_iter().flatten();
                for (item, told) in items.iter().zip(told) {
                    if let Value::Message(inner) = item {
                        tell_error(inner, told)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn tell_error(message: &DynamicMessage, told: &mut serde_json::Value) -> Result<(), Failure> {
    if message.descriptor().full_name() != STATUS {
        return tell_errors(message, told);
    }
    let status = message
        .transcode_to()
        .map_err(|cause| unprintable(&cause))?;
    *told = as_json(&Refusal::of_item(&status));
    Ok(())
}

fn unprintable(cause: &dyn std::fmt::Display) -> Failure {
    Failure::said(
        ANSWER,
        format!("cannot print the answer as JSON: {cause}"),
        "omit --json; the server may have a later version",
    )
}

#[cfg(test)]
mod tests {
    use roster_client::v1;

    use super::*;

    #[test]
    fn fields_have_the_names_of_the_proto_and_defaults_are_printed() {
        let json = Json::new().expect("the API");
        let line = json
            .line(&v1::Association {
                account_id: "a1".into(),
                sees_account_tickets: true,
                ..Default::default()
            })
            .expect("a line");
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["account_id"], "a1");
        assert_eq!(value["sees_account_tickets"], true);
        assert_eq!(value["primary"], false);
        assert!(value.get("create_time").is_none());
    }
}
