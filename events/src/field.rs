//! What a table of fields says.

/// The fields of one format.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Which one it is.
    pub name: TableName,
    /// What is logged, as a heading.
    pub title: &'static str,
    /// The page that describes the format.
    pub page: &'static str,
    /// How its texts are built.
    pub shape: Shape,
    /// What is read.
    pub fields: &'static [Field],
    /// The sources that say when the event was; the first that has a value counts.
    pub time: &'static [&'static str],
    /// Fields that get a value of their own if no source gave one.
    pub otherwise: &'static [(&'static str, &'static str)],
}

/// How the texts of a format are built.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Columns that blanks separate, in this order; more may follow. The same
    /// as JSON has the columns' names for keys.
    Columns {
        /// The columns.
        columns: &'static [&'static str],
        /// How many of them there must be: what AWS added later may be missing.
        at_least: usize,
        /// Keys that JSON has in place of a column's name.
        also: &'static [(&'static str, &'static str)],
    },
    /// A JSON object. A source is the path of its keys, with `[]` behind a key
    /// whose list of objects is read.
    Json,
    /// Lines of several forms.
    Lines,
}

/// What is read from one source.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the format.
    pub source: &'static str,
    /// The path of the field in the document.
    pub target: &'static str,
    /// How the value is read.
    pub reading: Reading,
    /// What it is.
    pub meaning: &'static str,
}

impl Field {
    /// The type of the field in the index.
    pub const fn field_type(&self) -> FieldType {
        self.reading.field_type()
    }
}

/// The type of a field in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldType {
    /// An address, IPv4 or IPv6.
    Ip,
    /// A whole number of 8 bits.
    Byte,
    /// A whole number of 64 bits.
    Long,
    /// A number.
    Double,
    /// True or false.
    Boolean,
    /// A point in time.
    Date,
    /// A text that is found as a whole.
    Keyword,
    /// A text that is found by its words.
    Text,
    /// An object with any keys, whose values are found as keywords.
    Map,
}

impl FieldType {
    /// Its name in mappings; `map` where each server has a name of its own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Byte => "byte",
            Self::Long => "long",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Keyword => "keyword",
            Self::Text => "text",
            Self::Map => "map",
        }
    }
}

/// How a value is read. A value that can't be read so is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it is.
    Keyword,
    /// In lower case.
    Lower,
    /// A text of words, cut after 8 KiB; an object as its JSON.
    Text,
    /// A whole number.
    Long,
    /// A number.
    Double,
    /// A number that isn't negative: AWS writes −1 for a time that there wasn't.
    Duration,
    /// True or false; AWS also writes Yes and No.
    Boolean,
    /// An address.
    Ip,
    /// What is no address, such as the name of a service of AWS.
    NotIp,
    /// The address of `address:port`.
    EndpointIp,
    /// The port of `address:port`.
    EndpointPort,
    /// Seconds since 1970.
    Seconds,
    /// A date with its time, by ISO 8601 or as web servers write it in brackets.
    DateTime,
    /// A protocol's number by IANA, as its name.
    Transport,
    /// `success` for ACCEPT, `failure` for REJECT.
    Outcome,
    /// `failure` whatever the value is.
    Failure,
    /// The name of a domain, without the dot at its end.
    Domain,
    /// The method of a request line.
    Method,
    /// The URL of a request line.
    Url,
    /// Part of the URL of a request line.
    UrlScheme,
    /// Part of the URL of a request line.
    UrlDomain,
    /// Part of the URL of a request line.
    UrlPort,
    /// Part of the URL of a request line.
    UrlPath,
    /// Part of the URL of a request line.
    UrlQuery,
    /// The version of HTTP in a request line.
    HttpVersion,
    /// The version of TLS, such as `1.2` of `TLSv1.2` and `tlsv12`.
    TlsVersion,
    /// The severity of syslog, 0 to 7.
    Priority,
    /// An object with any keys.
    Map,
    /// An object that goes to `aws.event` as a whole, beside what is read of it.
    Rest,
}

impl Reading {
    /// The type that its values have.
    pub const fn field_type(self) -> FieldType {
        match self {
            Self::Ip | Self::EndpointIp => FieldType::Ip,
            Self::Long | Self::EndpointPort | Self::UrlPort => FieldType::Long,
            Self::Priority => FieldType::Byte,
            Self::Double | Self::Duration => FieldType::Double,
            Self::Boolean => FieldType::Boolean,
            Self::Seconds | Self::DateTime => FieldType::Date,
            Self::Text => FieldType::Text,
            Self::Map | Self::Rest => FieldType::Map,
            Self::Keyword
            | Self::Lower
            | Self::NotIp
            | Self::Transport
            | Self::Outcome
            | Self::Failure
            | Self::Domain
            | Self::Method
            | Self::Url
            | Self::UrlScheme
            | Self::UrlDomain
            | Self::UrlPath
            | Self::UrlQuery
            | Self::HttpVersion
            | Self::TlsVersion => FieldType::Keyword,
        }
    }

    /// Whether it takes an object of JSON as a whole.
    pub(crate) const fn takes_objects(self) -> bool {
        matches!(self, Self::Text | Self::Map | Self::Rest)
    }
}

/// A row of a table.
pub(crate) const fn field(
    source: &'static str,
    target: &'static str,
    reading: Reading,
    meaning: &'static str,
) -> Field {
    Field {
        source,
        target,
        reading,
        meaning,
    }
}

/// A table's name, and its place in [`crate::TABLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableName {
    /// [`crate::Format::VpcFlowLog`].
    VpcFlowLog,
    /// [`crate::Format::ApplicationLoadBalancer`].
    ApplicationLoadBalancer,
    /// Connections of Application Load Balancers.
    ConnectionLog,
    /// Health checks of Application Load Balancers.
    HealthCheckLog,
    /// [`crate::Format::NetworkLoadBalancer`].
    NetworkLoadBalancer,
    /// [`crate::Format::ClassicLoadBalancer`].
    ClassicLoadBalancer,
    /// [`crate::Format::S3Access`].
    S3Access,
    /// [`crate::Format::Route53Query`].
    Route53Query,
    /// [`crate::Format::ResolverQuery`].
    ResolverQuery,
    /// [`crate::Format::CloudTrail`].
    CloudTrail,
    /// [`crate::Format::EventBridge`].
    EventBridge,
    /// [`crate::Format::Metric`].
    Metric,
    /// [`crate::Format::InstanceStatus`].
    InstanceStatus,
    /// [`crate::Format::EksControlPlane`], the audit log.
    EksControlPlane,
    /// [`crate::Format::EksControlPlane`], lines of components.
    EksComponent,
    /// [`crate::Format::Kernel`] and [`crate::Format::Syslog`].
    Machine,
}

impl TableName {
    /// Whether it is of machines, whose streams have fields for the journal and
    /// for files, rather than of AWS.
    pub const fn is_of_machines(self) -> bool {
        matches!(self, Self::Machine)
    }
}
