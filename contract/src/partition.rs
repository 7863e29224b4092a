//! The partitions of AWS, with their Regions: which one a Region is in, and how
//! hosts end there. Pure.
//!
//! The table is a copy of two files of botocore 1.44.5: `data/partitions.json`
//! (partitions, suffixes, Regions) and `data/endpoints.json` (the Region in whose
//! scope IAM signs; where it names none, the partition's implicit one). A test
//! against the real botocore (`tests/real/aws/`) compares them.
//!
//! Service principals are not in it: `<service>.amazonaws.com` is right in every
//! partition
//! (<https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts>).

/// A partition: accounts and Regions that share nothing with other partitions.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its id, the second part of every ARN.
    pub id: &'static str,
    /// How the hosts of its services end.
    pub dns_suffix: &'static str,
    /// The Region in which IAM, which has no Region, writes its events.
    pub global_region: &'static str,
    /// Its Regions, sorted.
    pub regions: &'static [&'static str],
}

/// All partitions.
pub const PARTITIONS: [Partition; 8] = [
    Partition {
        id: "aws",
        dns_suffix: "amazonaws.com",
        global_region: "us-east-1",
        regions: &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "me-west-1",
            "mx-central-1",
            "sa-east-1",
            "sa-west-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    },
    Partition {
        id: "aws-cn",
        dns_suffix: "amazonaws.com.cn",
        global_region: "cn-north-1",
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition {
        id: "aws-eusc",
        dns_suffix: "amazonaws.eu",
        global_region: "eusc-de-east-1",
        regions: &["eusc-de-east-1"],
    },
    Partition {
        id: "aws-iso",
        dns_suffix: "c2s.ic.gov",
        global_region: "us-iso-east-1",
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        id: "aws-iso-b",
        dns_suffix: "sc2s.sgov.gov",
        global_region: "us-isob-east-1",
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition {
        id: "aws-iso-e",
        dns_suffix: "cloud.adc-e.uk",
        global_region: "eu-isoe-west-1",
        regions: &["eu-isoe-west-1"],
    },
    Partition {
        id: "aws-iso-f",
        dns_suffix: "csp.hci.ic.gov",
        global_region: "us-isof-south-1",
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
    Partition {
        id: "aws-us-gov",
        dns_suffix: "amazonaws.com",
        global_region: "us-gov-west-1",
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
];

/// The partition that a Region is in.
pub fn of_region(region: &str) -> Option<&'static Partition> {
    PARTITIONS
        .iter()
        .find(|partition| partition.regions.contains(&region))
}

/// A host of a service of AWS, such as `search-logs-abc.eu-west-1.es.amazonaws.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceHost<'h> {
    /// The partition whose suffix it has. Two share one, and the Region decides.
    pub partition: &'static Partition,
    /// What is before the suffix, such as `search-logs-abc.eu-west-1.es`.
    pub labels: &'h str,
}

/// Takes a host of a service of AWS apart; none if the host is somebody's own.
pub fn service_host(host: &str) -> Option<ServiceHost<'_>> {
    PARTITIONS.iter().find_map(|partition| {
        let labels = host.strip_suffix(partition.dns_suffix)?.strip_suffix('.')?;
        Some(ServiceHost { partition, labels })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_region_is_in_one_partition_and_its_global_region_is_too() {
        let mut seen = BTreeSet::new();
        for partition in &PARTITIONS {
            assert!(partition.regions.is_sorted(), "{}", partition.id);
            assert!(partition.regions.contains(&partition.global_region));
            for region in partition.regions {
                assert!(seen.insert(region), "{region} is in two partitions");
                assert_eq!(of_region(region), Some(partition));
            }
        }
    }

    #[test]
    fn regions_are_known_by_the_table_and_not_by_their_looks() {
        let told = |region| of_region(region).map(|found| (found.id, found.dns_suffix));
        assert_eq!(told("eu-central-1"), Some(("aws", "amazonaws.com")));
        assert_eq!(told("cn-northwest-1"), Some(("aws-cn", "amazonaws.com.cn")));
        assert_eq!(told("us-gov-west-1"), Some(("aws-us-gov", "amazonaws.com")));
        assert_eq!(told("us-iso-east-1"), Some(("aws-iso", "c2s.ic.gov")));
        assert_eq!(told("us-isob-west-1"), Some(("aws-iso-b", "sc2s.sgov.gov")));
        assert_eq!(
            told("eu-isoe-west-1"),
            Some(("aws-iso-e", "cloud.adc-e.uk"))
        );
        assert_eq!(told("eusc-de-east-1"), Some(("aws-eusc", "amazonaws.eu")));
        assert_eq!(told("cn-south-1"), None);
        assert_eq!(told("aws-global"), None);
    }

    #[test]
    fn a_host_of_a_service_is_taken_apart() {
        let parts = |host| service_host(host).map(|found| (found.partition.id, found.labels));
        assert_eq!(
            parts("x.eu-west-1.es.amazonaws.com"),
            Some(("aws", "x.eu-west-1.es"))
        );
        assert_eq!(
            parts("x.cn-north-1.es.amazonaws.com.cn"),
            Some(("aws-cn", "x.cn-north-1.es"))
        );
        assert_eq!(parts("logs.example.com"), None);
        assert_eq!(parts("notamazonaws.com"), None);
    }
}
