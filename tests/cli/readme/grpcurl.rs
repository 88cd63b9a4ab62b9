//! What grpcurl does with the commands of the README: it finds the API by reflection, sends messages
//! that are JSON, and prints messages as JSON.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::ADDRESS;

/// Fields whose values differ from server to server and from day to day.
const OF_THE_DAY: [&str; 4] = ["readToken", "writtenToken", "nextPageToken", "createTime"];

/// Messages of a method that is known only when it is called.
struct OfMethod(MethodDescriptor);

impl Codec for OfMethod {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(self.0.clone())
    }

    fn decoder(&mut self) -> Self {
        Self(self.0.clone())
    }
}

impl Encoder for OfMethod {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(to).map_err(|e| Status::internal(e.to_string()))
    }
}

impl Decoder for OfMethod {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.output(), from);
        message
            .map(Some)
            .map_err(|e| Status::internal(e.to_string()))
    }
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(roster_api::FILE_DESCRIPTOR_SET).expect("descriptors")
}

/// Calls a method (`roster.v1.AccountService/GetAccount`) with a message that is JSON.
fn call(address: &str, method: &str, json: &str) -> Value {
    let (service, name) = method.split_once('/').expect("a method");
    let service = pool().get_service_by_name(service).expect("a service");
    let found = service.methods().find(|method| method.name() == name);
    let found = found.expect("a method");
    let mut read = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(found.input(), &mut read).expect("a message");
    let path = format!("/{method}").parse().expect("a path");
    let channel = Channel::from_shared(address.to_owned()).expect("an address");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let mut client = tonic::client::Grpc::new(channel.connect().await.expect("a server"));
        client.ready().await.expect("a connection");
        client
            .unary(Request::new(message), path, OfMethod(found))
            .await
    });
    let answer = answer.expect("an answer").into_inner();
    let options = SerializeOptions::new();
    answer
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("JSON")
}

/// The same JSON without what is of the day; each such value must be there.
fn without_values_of_the_day(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                // The time of a ticket comes with the sample.
                let of_sample = value
                    .as_str()
                    .is_some_and(|text| text.starts_with("2026-10"));
                if OF_THE_DAY.contains(&name.as_str()) && !of_sample {
                    *value = Value::Null;
                } else {
                    without_values_of_the_day(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_values_of_the_day),
        _ => {}
    }
}

/// Checks what a command of grpcurl shows.
pub fn check(address: &str, arguments: &str, output: &str) {
    let json = arguments
        .strip_prefix("-d '")
        .and_then(|rest| rest.split_once("' "));
    let (json, target) = json.unwrap_or(("", arguments));
    let target = target
        .strip_prefix(ADDRESS)
        .expect("the address")
        .trim_start();
    match target.split(' ').collect::<Vec<_>>()[..] {
        ["list"] => {
            let pool = pool();
            let mut services: Vec<String> = pool
                .services()
                .filter(|service| service.package_name() == "roster.v1")
                .map(|service| service.full_name().to_owned())
                .collect();
            // What the server adds to its own.
            services.push("grpc.health.v1.Health".to_owned());
            services.push("grpc.reflection.v1alpha.ServerReflection".to_owned());
            services.sort();
            assert_eq!(output.lines().collect::<Vec<_>>(), services);
        }
        ["describe", name] => {
            let short = name.rsplit('.').next().expect("a name");
            let (first, shown) = output.split_once("\n").expect("a line");
            assert_eq!(first, format!("{name} is an enum:"));
            let proto = include_str!("../../../proto/roster/v1/association_service.proto");
            assert!(proto.contains(shown.trim_end()), "{short} is not as shown");
        }
        [method] => {
            let mut expected: Value = serde_json::from_str(output).expect("JSON");
            let mut answered = call(address, method, json);
            without_values_of_the_day(&mut expected);
            without_values_of_the_day(&mut answered);
            assert_eq!(answered, expected, "{arguments}");
        }
        _ => panic!("say what this does: grpcurl {arguments}"),
    }
}
