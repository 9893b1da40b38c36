//! Invented names of companies and people, and the words of their organisations.

use super::chance::Chance;
use crate::extracts::tables::Seniority;

const COMPANY_HEADS: &[&str] = &[
    "Alder", "Amber", "Anchor", "Arbor", "Aspen", "Beacon", "Birch", "Bramble", "Briar", "Cedar", "Cinder", "Clover",
    "Cobalt", "Copper", "Coral", "Crane", "Delta", "Drift", "Ember", "Falcon", "Fern", "Flint", "Garnet", "Glacier",
    "Granite", "Harbor", "Hazel", "Heron", "Indigo", "Iron", "Jasper", "Juniper", "Kestrel", "Lantern", "Larch",
    "Linden", "Maple", "Marble", "Meadow", "Mesa", "Moss", "North", "Oak", "Opal", "Orchard", "Osprey", "Pebble",
    "Pine", "Quarry", "Raven", "Reed", "River", "Rowan", "Saffron", "Sable", "Slate", "Sparrow", "Summit", "Tamar",
    "Thistle", "Timber", "Vale", "Willow", "Wren",
];
const COMPANY_TAILS: &[&str] = &[
    "bridge", "brook", "burn", "cliff", "cote", "crest", "dale", "den", "fall", "field", "ford", "forge", "gate",
    "glen", "grove", "haven", "hill", "hollow", "keep", "lake", "land", "lock", "march", "mead", "mere", "mill",
    "moor", "point", "port", "ridge", "rock", "shaw", "shore", "stead", "stone", "thorpe", "ton", "vale", "view",
    "wall", "ward", "water", "wick", "wood", "worth", "yard",
];
const COMPANY_FORMS: &[&str] =
    &["Group", "Logistics", "Systems", "Partners", "Works", "Labs", "Holdings", "Services", "Industries", "Health"];

const FIRST: &[&str] = &[
    "Ada", "Amir", "Ana", "Anders", "Anika", "Arun", "Ben", "Bianca", "Carla", "Chen", "Clara", "Dana", "Daniel",
    "Davi", "Elena", "Elif", "Emil", "Esra", "Farah", "Felix", "Fiona", "Gita", "Hana", "Hugo", "Ida", "Ines", "Ivan",
    "Jana", "Jonas", "Joon", "Kamal", "Karin", "Kofi", "Lars", "Leila", "Lena", "Luca", "Maja", "Marco", "Mei", "Mika",
    "Milan", "Nadia", "Nils", "Nora", "Olga", "Omar", "Paula", "Pedro", "Petra", "Priya", "Rafael", "Rina", "Rosa",
    "Sami", "Sara", "Sofia", "Sven", "Tariq", "Tessa", "Tomas", "Vera", "Viktor", "Yara", "Yusuf", "Zoe",
];
const LAST: &[&str] = &[
    "Abara",
    "Adeyemi",
    "Almeida",
    "Andersson",
    "Aoki",
    "Baker",
    "Bauer",
    "Becker",
    "Bianchi",
    "Castillo",
    "Cheng",
    "Costa",
    "Dahl",
    "Dias",
    "Dubois",
    "Eriksen",
    "Farouk",
    "Fischer",
    "Fontana",
    "Garcia",
    "Gruber",
    "Haas",
    "Hansen",
    "Hoffman",
    "Ibrahim",
    "Ito",
    "Jansen",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Klein",
    "Kovac",
    "Kumar",
    "Larsen",
    "Lindqvist",
    "Lopez",
    "Maier",
    "Malik",
    "Marin",
    "Mehta",
    "Meyer",
    "Moreau",
    "Mori",
    "Nakamura",
    "Nguyen",
    "Novak",
    "Okafor",
    "Olsen",
    "Ortega",
    "Park",
    "Patel",
    "Pereira",
    "Petrov",
    "Quinn",
    "Rahman",
    "Reyes",
    "Rossi",
    "Sato",
    "Schmid",
    "Silva",
    "Singh",
    "Sousa",
    "Tanaka",
    "Toth",
    "Varga",
    "Vogel",
    "Weber",
    "Yilmaz",
    "Zanetti",
];

pub fn company(chance: &mut Chance) -> String {
    let (head, tail, form) = (chance.pick(COMPANY_HEADS), chance.pick(COMPANY_TAILS), chance.pick(COMPANY_FORMS));
    format!("{head}{tail} {form}")
}

pub fn person(chance: &mut Chance) -> String {
    format!("{} {}", chance.pick(FIRST), chance.pick(LAST))
}

/// The vendor's own people: the same number always gives the same name, and the first 4,000 differ.
pub fn employee(number: usize) -> String {
    let turn = number / FIRST.len();
    format!("{} {}", FIRST[number % FIRST.len()], LAST[(number * 7 + turn * 11) % LAST.len()])
}

pub const INDUSTRIES: &[&str] = &[
    "software",
    "manufacturing",
    "logistics",
    "healthcare",
    "financial_services",
    "retail",
    "professional_services",
    "energy",
    "education",
    "media",
];
pub const REGIONS: &[&str] = &["north_america", "emea", "apac", "latam"];
pub const PARTNERS: &[&str] = &["Brightpath Consulting", "Stonelake Advisory", "Meridian Digital", "Oakline Partners"];
pub const DEPARTMENTS: &[&str] = &[
    "Operations",
    "Engineering",
    "Product",
    "Marketing",
    "Sales",
    "Finance",
    "People",
    "IT",
    "Customer Service",
    "Legal",
    "Data",
];
pub const PROCUREMENT: &str = "Procurement";
pub const BUSINESS_UNITS: &[&str] = &["Consumer", "Commercial", "Industrial", "Public Sector"];

pub fn title(seniority: Seniority, department: &str) -> String {
    match seniority {
        Seniority::Ic => format!("{department} Specialist"),
        Seniority::Manager => format!("{department} Manager"),
        Seniority::Director => format!("Director of {department}"),
        Seniority::Vp => format!("VP {department}"),
        Seniority::CLevel => chief(department).to_owned(),
    }
}

fn chief(department: &str) -> &'static str {
    match department {
        "Finance" | "Procurement" | "Legal" => "Chief Financial Officer",
        "Engineering" | "Product" => "Chief Technology Officer",
        "IT" | "Data" => "Chief Information Officer",
        "Marketing" => "Chief Marketing Officer",
        "Sales" => "Chief Revenue Officer",
        "People" => "Chief People Officer",
        _ => "Chief Operating Officer",
    }
}
