"""Country names by the codes that templates use: `{{USA}}`, `{{flag|GER}}`."""

from __future__ import annotations

from wikirank.corpus.wikitext.arguments import Arguments

# ISO 3166 codes, and the codes of the IOC and FIFA where they differ.
_CODES = """
AFG Afghanistan|AGO ANG Angola|AIA Anguilla|ALA Åland|ALB Albania|AND Andorra
ARE UAE United Arab Emirates|ARG Argentina|ARM Armenia|ASM ASA American Samoa
ATG ANT Antigua and Barbuda|AUS Australia|AUT Austria|AZE Azerbaijan|BDI Burundi|BEL Belgium
BEN Benin|BFA BUR Burkina Faso|BGD BAN Bangladesh|BGR BUL Bulgaria|BHR BRN Bahrain|BHS BAH Bahamas
BIH Bosnia and Herzegovina|BLR Belarus|BLZ BIZ Belize|BMU BER Bermuda|BOL Bolivia|BRA Brazil
BRB BAR Barbados|BRU Brunei|BTN BHU Bhutan|BWA BOT Botswana
CAF CTA Central African Republic|CAN Canada|CHE SUI Switzerland|CHL CHI Chile|CHN China
CIV Ivory Coast|CMR Cameroon|COD Democratic Republic of the Congo|COG CGO Republic of the Congo
COK Cook Islands|COL Colombia|COM Comoros|CPV Cape Verde|CRI CRC Costa Rica|CUB Cuba|CUW Curaçao
CYM CAY Cayman Islands|CYP Cyprus|CZE Czech Republic|TCH Czechoslovakia|DEU GER Germany
DJI Djibouti|DMA Dominica|DNK DEN Denmark|DOM Dominican Republic|DZA ALG Algeria|ECU Ecuador
EGY Egypt|ENG England|ERI Eritrea|ESP Spain|EST Estonia|ETH Ethiopia|FIN Finland|FJI FIJ Fiji
FLK Falkland Islands|FRA France|FRG West Germany|FRO Faroe Islands|FSM Micronesia|GAB Gabon
GBR United Kingdom|GDR East Germany|GEO Georgia|GHA Ghana|GIB Gibraltar|GIN GUI Guinea
GLP Guadeloupe|GMB GAM Gambia|GNB GBS Guinea-Bissau|GNQ GEQ Equatorial Guinea|GRC GRE Greece
GRD GRN Grenada|GRL Greenland|GTM GUA Guatemala|GUF French Guiana|GUM Guam|GUY Guyana
HKG Hong Kong|HND HON Honduras|HRV CRO Croatia|HTI HAI Haiti|HUN Hungary|IDN INA Indonesia
IMN Isle of Man|IND India|IRL Ireland|IRN IRI Iran|IRQ Iraq|ISL Iceland|ISR Israel|ITA Italy
JAM Jamaica|JOR Jordan|JPN Japan|KAZ Kazakhstan|KEN Kenya|KGZ Kyrgyzstan|KHM CAM Cambodia
KIR Kiribati|KNA SKN Saint Kitts and Nevis|KOR South Korea|KOS Kosovo|KWT KUW Kuwait|LAO Laos
LBN LIB Lebanon|LBR Liberia|LBY LBA Libya|LCA Saint Lucia|LIE Liechtenstein|LKA SRI Sri Lanka
LSO LES Lesotho|LTU Lithuania|LUX Luxembourg|LVA LAT Latvia|MAC Macau|MAR Morocco|MCO MON Monaco
MDA Moldova|MDG MAD Madagascar|MDV Maldives|MEX Mexico|MHL Marshall Islands|MKD North Macedonia
MLI Mali|MLT Malta|MMR MYA Myanmar|MNE Montenegro|MNG MGL Mongolia|MOZ Mozambique
MRT MTN Mauritania|MSR Montserrat|MTQ Martinique|MUS MRI Mauritius|MWI MAW Malawi|MYS MAS Malaysia
NAM Namibia|NCL New Caledonia|NER NIG Niger|NGA NGR Nigeria|NIC NCA Nicaragua|NIR Northern Ireland
NLD NED Netherlands|NOR Norway|NPL NEP Nepal|NRU Nauru|NZL New Zealand|OMN OMA Oman|PAK Pakistan
PAN Panama|PER Peru|PHL PHI Philippines|PLW Palau|PNG Papua New Guinea|POL Poland
PRI PUR Puerto Rico|PRK North Korea|PRT POR Portugal|PRY PAR Paraguay|PSE PLE Palestine
PYF French Polynesia|QAT Qatar|ROU ROM Romania|RUS Russia|RWA Rwanda|SAU KSA Saudi Arabia
SCG Serbia and Montenegro|SCO Scotland|SDN SUD Sudan|SEN Senegal|SGP SIN Singapore
SLB SOL Solomon Islands|SLE Sierra Leone|SLV ESA El Salvador|SMR San Marino|SOM Somalia|SRB Serbia
SSD South Sudan|STP São Tomé and Príncipe|SUR Suriname|SVK Slovakia|SVN SLO Slovenia|SWE Sweden
SWZ Eswatini|SYC SEY Seychelles|SYR Syria|TCD CHA Chad|TGO TOG Togo|THA Thailand|TJK Tajikistan
TKM Turkmenistan|TLS East Timor|TON TGA Tonga|TTO TRI Trinidad and Tobago|TUN Tunisia|TUR Turkey
TUV Tuvalu|TWN Taiwan|TPE Chinese Taipei|TZA TAN Tanzania|UGA Uganda|UKR Ukraine
URS USSR Soviet Union|URY URU Uruguay|USA United States|UZB Uzbekistan|VAT Vatican City
VCT VIN Saint Vincent and the Grenadines|VEN Venezuela|VGB IVB British Virgin Islands
VIR ISV United States Virgin Islands|VNM VIE Vietnam|VUT VAN Vanuatu|WAL Wales|WSM SAM Samoa
YEM Yemen|YUG Yugoslavia|ZAF RSA South Africa|ZMB ZAM Zambia|ZWE ZIM Zimbabwe
ATA Antarctica|BES Bonaire|BLM Saint Barthélemy|CCK Cocos Islands|CXR Christmas Island
ESH Western Sahara|GGY Guernsey|JEY Jersey|MAF Saint Martin|MNP Northern Mariana Islands
MYT Mayotte|NFK Norfolk Island|NIU Niue|PCN Pitcairn Islands|REU Réunion|SHN Saint Helena
SJM Svalbard and Jan Mayen|SPM Saint Pierre and Miquelon|SXM Sint Maarten|TKL Tokelau
TCA Turks and Caicos Islands|WLF Wallis and Futuna
UK United Kingdom|US United States|EU European Union|UN United Nations
"""


def _by_code() -> dict[str, str]:
    by_code: dict[str, str] = {}
    for entry in _CODES.replace("\n", "|").split("|"):
        words = entry.split()
        codes = [word for word in words[:-1] if word.isupper()]
        by_code.update(dict.fromkeys(codes, " ".join(words[len(codes) :])))
    return by_code


COUNTRIES = _by_code()
"""Country names by code."""


def country(args: Arguments) -> str:
    """Return the country of a template such as `{{flag|GER}}`, given as a code or a name."""
    return args.first("name") or COUNTRIES.get(args[1], args[1])
