"""The flags as data: code | country | adjective | height:width | parts, in painting order.

`tools.mini.flags` interprets the parts. Coats of arms are approximated by a few shapes each.
"""

TABLE = """
us|United States|American|10:19|rows #B22234 #FFF 13; rect #3C3B6E 0 0 40 53.85; starfield #FFF 3.1
 3.333 5.385 11 9
gb|United Kingdom|British|1:2|inset union 0 0 100 100
fr|France|French|2:3|v #000091 #FFF #E1000F
de|Germany|German|3:5|h #000 #DD0000 #FFCC00
it|Italy|Italian|2:3|v #008C45 #FFF #CD212A
es|Spain|Spanish|2:3|h #AA151B #F1BF00 #AA151B 1 2 1; figure spain 35 50 42
pt|Portugal|Portuguese|2:3|v #006600 #FF0000 2 3; figure portugal 40 50 48
nl|Netherlands|Dutch|2:3|h #AE1C28 #FFF #21468B
be|Belgium|Belgian|13:15|v #000 #FDDA24 #EF3340
ch|Switzerland|Swiss|1:1|field #DA291C; plus #FFF 50 50 62.5 18.75
at|Austria|Austrian|2:3|h #C8102E #FFF #C8102E
dk|Denmark|Danish|28:37|field #C8102E; cross #FFF 37.8 50 14.3
se|Sweden|Swedish|5:8|field #006AA7; cross #FECC02 37.5 50 20
no|Norway|Norwegian|8:11|field #BA0C2F; cross #FFF 36.4 50 25; cross #00205B 36.4 50 12.5
fi|Finland|Finnish|11:18|field #FFF; cross #002F6C 36.1 50 27.3
is|Iceland|Icelandic|18:25|field #02529C; cross #FFF 36 50 22.2; cross #DC1E35 36 50 11.1
ie|Ireland|Irish|1:2|v #169B62 #FFF #FF883E
pl|Poland|Polish|5:8|h #FFF #DC143C
cz|Czech Republic|Czech|2:3|h #FFF #D7141A; hoist #11457E 75
hu|Hungary|Hungarian|1:2|h #CE2939 #FFF #477050
gr|Greece|Greek|2:3|rows #0D5EAF #FFF 9; rect #0D5EAF 0 0 55.6h 55.6; rect #FFF 0 22.2 55.6h 11.1;
 rect #FFF 22.2h 0 11.1h 55.6
tr|Turkey|Turkish|2:3|field #E30A17; crescent #FFF 33.3 50 25 20 6.25; star #FFF 55 50 12.5 5 -90
ru|Russia|Russian|2:3|h #FFF #0039A6 #D52B1E
ua|Ukraine|Ukrainian|2:3|h #0057B7 #FFD700
ro|Romania|Romanian|2:3|v #002B7F #FCD116 #CE1126
bg|Bulgaria|Bulgarian|3:5|h #FFF #00966E #D62612
hr|Croatia|Croatian|1:2|h #FF0000 #FFF #171796; figure croatia 50 45 74
rs|Serbia|Serbian|2:3|h #C6363C #0C4076 #FFF; figure serbia 36 47 74
al|Albania|Albanian|5:7|field #E41E20; figure eagles #000 50 50 80
mk|North Macedonia|Macedonian|1:2|field #D20000; poly #FFE600 0 0 17 0 50 50; poly #FFE600 100 0 83
 0 50 50; poly #FFE600 0 100 17 100 50 50; poly #FFE600 100 100 83 100 50 50; poly #FFE600 45 0 55 0
 50 50; poly #FFE600 45 100 55 100 50 50; poly #FFE600 0 40 0 60 50 50; poly #FFE600 100 40 100 60
 50 50; disc #D20000 50 50 18; disc #FFE600 50 50 15
ee|Estonia|Estonian|7:11|h #0072CE #000 #FFF
lv|Latvia|Latvian|1:2|h #9E3039 #FFF #9E3039 2 1 2
lt|Lithuania|Lithuanian|3:5|h #FDB913 #006A44 #C1272D
by|Belarus|Belarusian|1:2|h #CE1720 #007C30 2 1; rect #FFF 0 0 23h 100; diamonds #CE1720 #FFF
 #CE1720 11.5h 21h 5
mt|Malta|Maltese|2:3|v #FFF #CF142B; plus #CF142B 38h 33 40 13; plus #FFF 38h 33 38 11; plus #B5AFA9
 38h 33 35 7; disc #B5AFA9 38h 33 8; disc #D8D4D0 38h 33 4
cy|Cyprus|Cypriot|2:3|field #FFF; figure cyprus 50 50 80
ge|Georgia|Georgian|2:3|field #FFF; cross #FF0000 50 50 20; plus #FF0000 21.7 20 18 6.5; plus
 #FF0000 78.3 20 18 6.5; plus #FF0000 21.7 80 18 6.5; plus #FF0000 78.3 80 18 6.5
am|Armenia|Armenian|1:2|h #D90012 #0033A0 #F2A800
az|Azerbaijan|Azerbaijani|1:2|h #00B5E2 #EF3340 #509E2F; crescent #FFF 48 50 14.5 12 3.5; star #FFF
 55 50 8 8 0 .5
il|Israel|Israeli|8:11|field #FFF; rect #0038B8 0 9.4 100 15.6; rect #0038B8 0 75 100 15.6; loop
 #0038B8 3.4 50 50 22 3; loop #0038B8 3.4 50 50 22 3 180
lb|Lebanon|Lebanese|2:3|h #ED1C24 #FFF #ED1C24 1 2 1; figure cedar #00A651 50 50 48
jo|Jordan|Jordanian|1:2|h #000 #FFF #007A3D; hoist #CE1126 92; star #FFF 31h 50 8 7 0 .5
iq|Iraq|Iraqi|2:3|h #CE1126 #FFF #000; figure takbir #007A3D 50 50 86
ir|Iran|Iranian|4:7|h #239F40 #FFF #DA0000; dashes #E8F2E8 28 2 44; dashes #E8F2E8 31.3 2 44; dashes
 #F8E8E8 66.7 2 44; dashes #F8E8E8 70 2 44; figure iran #DA0000 50 50 28
sa|Saudi Arabia|Saudi|2:3|field #0B6235; figure shahada #FFF 50 50 90
ae|United Arab Emirates|Emirati|1:2|h #00732F #FFF #000; rect #FF0000 0 0 48h 100
qa|Qatar|Qatari|11:28|field #8A1538; poly #FFF 0 0 30 0 38 5.6 30 11.1 38 16.7 30 22.2 38 27.8 30
 33.3 38 38.9 30 44.4 38 50 30 55.6 38 61.1 30 66.7 38 72.2 30 77.8 38 83.3 30 88.9 38 94.4 30 100 0
 100
eg|Egypt|Egyptian|2:3|h #CE1126 #FFF #000; figure saladin #C09300 50 50 30
ma|Morocco|Moroccan|2:3|field #C1272D; loop #006233 3 50 51 17 5 0 2
dz|Algeria|Algerian|2:3|v #006233 #FFF; crescent #D21034 50 50 25 20 6.25; star #D21034 55.5 50 12 5
 -90
tn|Tunisia|Tunisian|2:3|field #E70013; disc #FFF 50 50 25; crescent #E70013 50 50 18.5 15 5; star
 #E70013 53.5 50 11 5 -90
za|South Africa|South African|2:3|h #E03C31 #001489; line #FFF 33.3 -20 -20 50 50 120 50; line #FFF
 33.3 -20 120 50 50 120 50; poly #FFB81C 0 0 50 50 0 100; poly #000 0 20 30 50 0 80; line #007749 20
 -20 -20 50 50 120 50; line #007749 20 -20 120 50 50 120 50
ng|Nigeria|Nigerian|1:2|v #008751 #FFF #008751
ke|Kenya|Kenyan|2:3|h #000 #FFF #BB0000 #FFF #006600 6 1 6 1 6; figure maasai 50 50 82
gh|Ghana|Ghanaian|2:3|h #CE1126 #FCD116 #006B3F; star #000 50 50 17
et|Ethiopia|Ethiopian|1:2|h #078930 #FCDD09 #DA121A; disc #0F47AF 50 50 25; loop #FCDD09 2.2 50 51
 18 5 0 2; spokes #FCDD09 1.5 50 50 10 19 5 36
sn|Senegal|Senegalese|2:3|v #00853F #FDEF42 #E31B23; star #00853F 50 50 18
cm|Cameroon|Cameroonian|2:3|v #007A5E #CE1126 #FCD116; star #FCD116 50 50 13
tz|Tanzania|Tanzanian|2:3|poly #1EB53A 0 0 100 0 0 100; poly #00A3DD 100 0 100 100 0 100; line
 #FCD116 37 -20 120 120 -20; line #000 26 -20 120 120 -20
ug|Uganda|Ugandan|2:3|rows #000 #FCDC04 #D90000 6; disc #FFF 50 50 17; figure crane 50 50 30
zw|Zimbabwe|Zimbabwean|1:2|h #006400 #FFD200 #D40000 #000 #D40000 #FFD200 #006400; hoist #000 87;
 poly #FFF 0 5 81h 50 0 95; star #D40000 27h 53 21; figure hornbill #FFD200 27h 49 40
ao|Angola|Angolan|2:3|h #CC092F #000; arc #FFCB00 50 50 22 5 -10 150; star #FFCB00 51 42 9; line
 #FFCB00 4 46 62 58 72; spokes #FFCB00 4 50 50 20 25 12
cd|Congo|Congolese|3:4|field #007FFF; line #F7D618 27 -20 120 120 -20; line #CE1021 20 -20 120 120
 -20; star #F7D618 20h 23 19
bw|Botswana|Botswanan|2:3|h #75AADB #FFF #000 #FFF #75AADB 9 1 4 1 9
so|Somalia|Somali|2:3|field #4189DD; star #FFF 50 50 24
cu|Cuba|Cuban|1:2|rows #002A8F #FFF 5; hoist #CF142B 86.6; star #FFF 29h 50 16
jm|Jamaica|Jamaican|1:2|field #009B3A; poly #000 0 0 50 50 0 100; poly #000 100 0 50 50 100 100;
 saltire #FED100 19
mx|Mexico|Mexican|4:7|v #006341 #FFF #CE1126; figure mexico 50 50 46
ca|Canada|Canadian|1:2|v #D80621 #FFF #D80621 1 2 1; figure maple #D80621 50 50 82
br|Brazil|Brazilian|7:10|field #009739; poly #FEDD00 8.5 50 50 12 91.5 50 50 88; disc #012169 50 50
 25; figure brazil 50 50 50
ar|Argentina|Argentine|5:8|h #74ACDF #FFF #74ACDF; figure sun #F6B40E 50 50 28
uy|Uruguay|Uruguayan|2:3|rows #FFF #0038A8 9; rect #FFF 0 0 55.6h 55.6; figure sun #FCD116 27.8h
 27.8 46
cl|Chile|Chilean|2:3|h #FFF #D52B1E; rect #0039A6 0 0 50h 50; star #FFF 25h 25 13
pe|Peru|Peruvian|2:3|v #D91023 #FFF #D91023
co|Colombia|Colombian|2:3|h #FFCD00 #003087 #C8102E 2 1 1
ve|Venezuela|Venezuelan|2:3|h #FFCC00 #00247D #CF142B; starring #FFF 4.5 50 62 22 8 -75 75
bo|Bolivia|Bolivian|15:22|h #D52B1E #F9E300 #007934; figure bolivia 50 50 32
pa|Panama|Panamanian|2:3|field #FFF; rect #DA121A 50 0 50 50; rect #072357 0 50 50 50; star #072357
 25 25 13; star #DA121A 75 75 13
cr|Costa Rica|Costa Rican|3:5|h #002B7F #FFF #CE1126 #FFF #002B7F 1 1 2 1 1
tt|Trinidad and Tobago|Trinidadian|3:5|field #DA1A35; line #FFF 40 -20 -20 120 120; line #000 28 -20
 -20 120 120
bs|Bahamas|Bahamian|1:2|h #00778B #FFC72C #00778B; hoist #000 86.6
jp|Japan|Japanese|2:3|field #FFF; disc #BC002D 50 50 30
cn|China|Chinese|2:3|field #EE1C25; star #FFFF00 25h 25 15; star #FFFF00 50h 10 5 5 23; star #FFFF00
 60h 20 5 5 46; star #FFFF00 60h 35 5 5 70; star #FFFF00 50h 45 5 5 21
kr|South Korea|South Korean|2:3|field #FFF; figure korea #000 50 50 100
kp|North Korea|North Korean|1:2|h #024FA2 #FFF #ED1C27 #FFF #024FA2 6 1 22 1 6; disc #FFF 34 50 22;
 star #ED1C27 34 50 21
in|India|Indian|2:3|h #FF9933 #FFF #138808; figure chakra #000080 50 50 30
pk|Pakistan|Pakistani|2:3|field #01411C; rect #FFF 0 0 25 100; crescent #FFF 62 50 30 27.5 10 48;
 star #FFF 70 36 10 5 48
bd|Bangladesh|Bangladeshi|3:5|field #006A4E; disc #F42A41 45 50 33.3
lk|Sri Lanka|Sri Lankan|1:2|field #FFBE29; rect #00534E 5 8 14 84; rect #EB7400 19 8 14 84; rect
 #8D153A 38 8 57 84; star #FFBE29 39.5 11 6 4; star #FFBE29 93.5 11 6 4; star #FFBE29 39.5 89 6 4;
 star #FFBE29 93.5 89 6 4; figure lion #FFBE29 66 50 66
np|Nepal|Nepali|122:100|field #FFF; poly #003893 1 0 100 55 46 55 97 100 1 100; poly #DC143C 5 7 83
 51 33 51 85 95.5 5 95.5; crescent #FFF 28 32 14 14 8 0; star #FFF 28 37 8 16 0 .6; star #FFF 28 73
 13 12 0 .6
th|Thailand|Thai|2:3|h #A51931 #F4F5F8 #2D2A4A #F4F5F8 #A51931 1 1 2 1 1
vn|Vietnam|Vietnamese|2:3|field #DA251D; star #FFFF00 50 50 30
id|Indonesia|Indonesian|2:3|h #E70011 #FFF
ph|Philippines|Filipino|1:2|h #0038A8 #CE1126; hoist #FFF 86.6; figure philippines #FCD116 29h 50
 38; star #FCD116 7h 11 5 5 30; star #FCD116 7h 89 5 5 -30; star #FCD116 76h 50 5 5 90
my|Malaysia|Malaysian|1:2|rows #CC0001 #FFF 14; rect #010066 0 0 50 57.1; crescent #FFCC00 20 28.6
 19 16.5 6; star #FFCC00 31 28.6 14 14 0 .5
sg|Singapore|Singaporean|2:3|h #EF3340 #FFF; crescent #FFF 28h 25 18.5 18.5 8; starring #FFF 3.6 46h
 26 10 5 0 288
mm|Myanmar|Burmese|2:3|h #FECB00 #34B233 #EA2839; star #FFF 50 53 37
kh|Cambodia|Cambodian|2:3|h #032EA1 #E00025 #032EA1 1 2 1; figure temple #FFF 50 49 46
la|Laos|Laotian|2:3|h #CE1126 #002868 #CE1126 1 2 1; disc #FFF 50 50 20
mn|Mongolia|Mongolian|1:2|v #C4272F #015197 #C4272F; figure soyombo #F9CF02 16.7 50 72
kz|Kazakhstan|Kazakh|1:2|field #00AFCA; figure steppe #FEC50C 52 50 70; diamonds #FEC50C #00AFCA
 #FEC50C 10h 11h 9
uz|Uzbekistan|Uzbek|1:2|h #0099B5 #CE1126 #FFF #CE1126 #1EB53A 32 2 32 2 32; crescent #FFF 28h 16 12
 12 5; stars #FFF 2.3 66h 6 75h 6 84h 6 57h 15.5 66h 15.5 75h 15.5 84h 15.5 48h 25 57h 25 66h 25 75h
 25 84h 25
au|Australia|Australian|1:2|field #00008B; inset union 0 0 50 50; star #FFF 25 75 15 7 0 .45; star
 #FFF 75 83.3 7 7 0 .45; star #FFF 62.5 44.6 7 7 0 .45; star #FFF 75 17 7 7 0 .45; star #FFF 86 37 7
 7 0 .45; star #FFF 80 54 4
nz|New Zealand|New Zealander|1:2|field #00247D; inset union 0 0 50 50; stars #FFF 7.5 76 20 66 44 86
 39 76 79; stars #CC142B 5.2 76 20 66 44 86 39 76 79
"""

FIGURES = {
    "union": """field #012169; poly #FFF 0 0 11.2 0 100 88.8 100 100 88.8 100 0 11.2; poly #FFF 100
        0 88.8 0 0 88.8 0 100 11.2 100 100 11.2; poly #C8102E 0 0 50 50 50 57.5 0 7.5; poly #C8102E
        50 50 100 100 100 92.5 50 42.5; poly #C8102E 0 100 50 50 50 57.5 0 107.5; poly #C8102E 50
        50 100 0 100 -7.5 50 42.5; cross #FFF 50 50 33.3; cross #C8102E 50 50 20""",
    "maple": """mirror # 48 100 49 79 46 76 25 80 28 72 27 70 4 52 9 49 10 47 6 33 19 36 21 35 23
        29 34 40 37 39 32 13 40 17 42 17 50 1""",
    "eagles": """mirror # 50 32 47 14 41 8 35 8 29 13 37 15 40 22 38 29 31 26 27 13 23 21 12 17 17
        26 3 27 12 34 1 40 13 42 5 51 17 50 12 60 24 56 23 66 34 59 37 66 29 74 20 73 28 79 25 84
        34 80 41 71 38 85 45 80 44 92 50 99""",
    "saladin": """mirror # 50 4 44 7 45 13 40 17 45 20 43 28 33 20 24 25 20 45 23 68 29 72 34 66 40
        70 34 84 44 82 50 84; rect # 24 86 52 9; rect #CE1126 42 36 5 26; rect #FFF 47 36 6 26;
        rect #000 53 36 5 26; line #7A5C00 1.5 30 32 29 66; line #7A5C00 1.5 70 32 71 66; line
        #7A5C00 1.5 36 32 35 64; line #7A5C00 1.5 64 32 65 64""",
    "cedar": """mirror # 50 0 44 7 33 12 42 14 20 25 36 27 8 40 29 40 0 53 27 53 -12 67 20 66 12 72
        45 72 46 84 42 94 36 99 50 97; line #FFF 1.5 34 36 44 34; line #FFF 1.5 66 36 56 34; line
        #FFF 1.5 28 60 42 56; line #FFF 1.5 72 60 58 56""",
    "sun": """star # 50 50 50 16 0 .52; star # 50 50 46 16 11.25 .52; disc # 50 50 24; arc #9A5B0A
        50 50 25 2.5 0 360; line #9A5B0A 2 40 45 46 45; line #9A5B0A 2 54 45 60 45; line #9A5B0A 2
        44 59 56 59; line #9A5B0A 1.5 50 46 50 54""",
    "philippines": """spokes # 6 50 50 20 50 8; spokes # 3 50 50 20 45 8 11; spokes # 3 50 50 20 45
        8 -11; disc # 50 50 25""",
    "chakra": "arc # 50 50 50 7 0 360; spokes # 2.4 50 50 8 46 24; disc # 50 50 10",
    "spain": """rect #BDB9B4 6 36 9 46; rect #BDB9B4 85 36 9 46; rect #005BBF 4 82 13 6; rect
        #005BBF 83 82 13 6; rect #E8A30C 5 30 11 5; rect #E8A30C 84 30 11 5; line #AA151B 5 3 56 18
        64; line #AA151B 5 97 56 82 64; mirror #AD1519 50 6 34 12 26 18 32 30; arc #C8B100 50 20 16
        3 -90 90; rect #C8B100 30 28 40 5; disc #C8B100 50 6 4; mirror #AD1519 24 34 24 72 28 84 38
        90 50 93; rect #ECECEC 50 35 25 26; rect #C8B100 25 61 25 22; rect #AD1519 29 61 4 24; rect
        #AD1519 37 61 4 26; rect #AD1519 45 61 4 28; rect #C8B100 31 42 13 13; disc #8E3A6B 62 48
        7; loop #C8B100 2 63 72 9 8; oval #005BBF 50 60 7 8; arc #AD1519 50 60 8 2 0 360""",
    "portugal": """arc #FFE900 50 50 50 7 0 360; line #FFE900 5 6 30 94 70; line #FFE900 5 4 60 96
        60; line #FFE900 5 50 0 50 100; line #FFE900 5 18 18 60 96; mirror #FFF 18 18 18 58 24 74
        36 83 50 87; mirror #FF0000 21 21 21 58 27 72 38 80 50 84; mirror #FFF 33 33 33 58 38 68 50
        72; plus #003399 50 48 10 8; rect #003399 46 36 8 9; rect #003399 46 57 8 9; rect #003399
        36 47 8 9; rect #003399 56 47 8 9; rect #FFE900 24 24 6 7; rect #FFE900 47 23 6 7; rect
        #FFE900 70 24 6 7; rect #FFE900 24 44 6 7; rect #FFE900 70 44 6 7; rect #FFE900 29 64 6 7;
        rect #FFE900 65 64 6 7""",
    "croatia": """mirror #FF0000 22 30 22 74 28 86 38 93 50 96; chequers #FF0000 #FFF 24 31 10.4 5
        5; poly #FF0000 22 80 22 84 37 93 33 84; poly #FF0000 78 80 78 84 63 93 67 84; rect #FFF
        34.4 83 10.4 6; rect #FFF 55 83 10.4 6; poly #0093DD 20 10 33 6 34 28 22 30; poly #171796
        33 4 43 2 43 26 34 28; poly #0093DD 43 0 57 0 57 25 43 25; poly #171796 57 2 67 4 66 28 57
        26; poly #171796 67 6 80 10 78 30 66 28; line #FF0000 2.5 34 17 43 15; star #F7DB17 28 17 5
        6; rect #FF0000 46 8 8 10; rect #F7DB17 59 12 6 6; star #F7DB17 72 17 5 6""",
    "serbia": """mirror #EDB92E 50 0 46 5 38 6 33 12 37 26; mirror #C6363C 50 9 45 10 40 14 42 21;
        oval #FFF 50 60 22 34; figure eagles #FFF 50 62 76; mirror #C6363C 38 50 38 70 43 80 50 82;
        plus #FFF 50 64 22 4; figure eagles_lines 50 62 76; line #EDB92E 3 36 92 46 86; line
        #EDB92E 3 64 92 54 86""",
    "eagles_lines": """line #A9A9A9 1.5 8 30 30 36; line #A9A9A9 1.5 8 42 30 42; line #A9A9A9 1.5
        12 52 30 48; line #A9A9A9 1.5 92 30 70 36; line #A9A9A9 1.5 92 42 70 42; line #A9A9A9 1.5
        88 52 70 48""",
    "cyprus": """poly #D57800 -8 56 -2 42 10 42 16 34 38 30 62 28 84 16 106 4 86 26 80 34 88 40 76
        46 66 48 58 56 46 60 36 58 24 66 6 66 -4 62; arc #4E5B31 50 52 40 5 115 172; arc #4E5B31 50
        52 40 5 188 245; disc #4E5B31 30 86 3; disc #4E5B31 70 86 3""",
    "maasai": """line #FFF 3.2 26 4 74 96; line #FFF 3.2 74 4 26 96; poly #FFF 22 -2 30 6 27 12;
        poly #FFF 78 -2 70 6 73 12; oval #000 50 50 19 44; oval #BB0000 50 50 13 44; oval #FFF 50
        50 4 16; poly #BB0000 49 8 51 8 51 92 49 92; oval #FFF 34 50 2 12; oval #FFF 66 50 2 12;
        disc #BB0000 50 50 2""",
    "crane": """oval #9CA69C 50 52 17 13; poly #000 40 46 66 58 60 74 46 70; line #000 5 40 50 36
        34 40 24; disc #000 41 20 6; poly #D90000 38 14 44 4 50 14; line #FCDC04 4 41 10 41 4; line
        #000 3 48 64 46 92; line #000 3 52 64 60 84; poly #D90000 60 58 72 66 62 76; line #000 3 36
        22 28 24""",
    "hornbill": """poly # 36 20 46 8 54 12 52 22 62 30 64 44 58 60 56 72 44 72 46 58 42 44 44 30;
        rect # 34 74 34 5; rect # 30 82 42 6; rect # 38 92 26 4; line #7A5C00 2 50 34 56 56""",
    "mexico": """arc #2F7D3A 50 54 44 9 100 172; arc #2F7D3A 50 54 44 9 188 260; poly #7D4A1E 30 30
        46 14 60 10 66 20 58 24 74 32 80 46 70 54 74 66 58 62 44 70 36 58 44 50 30 46; line #B98A4B
        2.5 40 34 66 50; line #B98A4B 2.5 44 44 64 58; line #3C9A48 5 30 70 50 78 70 70; line
        #3C9A48 4 36 62 30 70; poly #8FB9A8 36 78 64 78 58 88 42 88; line #5DA25F 3 32 22 44 30 36
        40; disc #E3B23C 62 15 3; disc #C0392B 26 68 3; disc #C0392B 74 66 3""",
    "brazil": """arc #FFF 21.4 150 121.4 7.1 -9 41; stars #FFF 2.6 20 44 32 58 45 68 56 78 68 70 74
        58 60 60 40 78 52 56 66 82 84 66 28 68 58 30""",
    "bolivia": """arc #3F8A3A 50 50 46 6 30 150; arc #3F8A3A 50 50 46 6 210 330; line #D52B1E 6 14
        26 86 78; line #007934 6 86 26 14 78; line #F9B000 4 10 36 90 88; oval #FFD23F 50 54 27 34;
        oval #6FB7D9 50 48 20 22; poly #8B5A2B 32 66 50 40 68 66; rect #5E8C3A 32 66 36 8; mirror
        #4A3728 50 14 44 10 30 2 38 14 50 20; arc #A8322D 50 54 34 3 90 270""",
    "korea": """disc #CD2E3A 50 50 25; pie #0047A0 50 50 25 123.7 303.7; disc #CD2E3A 39.6 43.1
        12.5; disc #0047A0 60.4 56.9 12.5; line # 4.2 24 17.6 10.2 38.4; line # 4.2 18.8 14.2 5 35;
        line # 4.2 13.6 10.7 -.2 31.5; line # 4.2 83.5 71.1 89.8 61.6; line # 4.2 82.3 72.9 76
        82.4; line # 4.2 88.7 74.5 95 65; line # 4.2 87.5 76.3 81.2 85.8; line # 4.2 93.9 78 100.2
        68.5; line # 4.2 92.7 79.8 86.4 89.3; line # 4.2 83.5 28.9 89.8 38.4; line # 4.2 82.3 27.1
        76 17.6; line # 4.2 81.2 14.2 95 35; line # 4.2 93.9 22 100.2 31.5; line # 4.2 92.7 20.2
        86.4 10.7; line # 4.2 10.2 61.6 24 82.4; line # 4.2 12.5 76.3 18.8 85.8; line # 4.2 11.3
        74.5 5 65; line # 4.2 -.2 68.5 13.6 89.3""",
    "lion": """oval # 54 52 24 12; disc # 30 36 13; poly # 18 34 30 22 44 40 40 56 28 52; rect # 34
        52 7 34; rect # 46 56 6 30; rect # 62 56 6 30; rect # 70 52 8 34; rect # 30 82 11 5; rect #
        42 82 10 5; rect # 58 82 10 5; rect # 68 82 10 5; line # 4.5 76 48 86 44 90 32 84 22 90 14;
        disc # 90 13 4; line # 6 32 50 16 46; line # 3.5 12 54 12 8; line # 3 7 46 18 46; poly # 10
        8 14 8 14 2""",
    "temple": """rect # -12 80 124 9; rect # -4 68 108 12; poly # 40 70 40 44 44 26 50 12 56 26 60
        44 60 70; poly # 12 70 12 50 16 38 21 28 26 38 30 50 30 70; poly # 88 70 88 50 84 38 79 28
        74 38 70 50 70 70; rect # 30 54 40 16; line #444 1.2 -12 80 112 80; line #444 1.2 -4 68 104
        68; line #444 1.2 40 68 40 44; line #444 1.2 60 68 60 44; line #444 1.2 -12 89 112 89; line
        #444 1.2 44 46 56 46; line #444 1.2 45 36 55 36; line #444 1.2 14 50 28 50; line #444 1.2
        72 50 86 50; rect #444 47 56 6 12; rect #444 18 58 5 10; rect #444 77 58 5 10; line #444
        1.2 6 68 6 80; line #444 1.2 94 68 94 80; line #444 1.2 36 68 36 80; line #444 1.2 64 68 64
        80""",
    "soyombo": """mirror # 50 0 46 6 48 10 43 14 45 20 50 22; disc # 50 27 6; crescent # 50 27 12
        11 6 0; rect # 20 42 11 58; rect # 69 42 11 58; poly # 33 42 67 42 50 50; rect # 33 52 34
        4; disc # 50 66 10; rect # 33 78 34 4; poly # 33 84 67 84 50 92; line #C4272F 1.5 44 60 50
        66 56 72; rect # 33 94 34 5""",
    "steppe": """spokes # 2.6 50 40 27 38 32; disc # 50 40 24; mirror # 0 48 6 64 22 77 40 80 46 86
        50 92 50 83 44 76 26 71 12 62""",
    "takbir": """line # 2 8 42 8 57 14 57; line # 2 18 42 18 57 34 57 34 48 28 48 28 57; line # 2
        24 42 24 57; line # 2 40 42 40 57; line # 2 46 57 66 57 66 49 58 49 58 53 66 53; line # 2
        52 45 60 45; line # 2 70 42 70 57 94 57 94 48; line # 2 78 57 78 48 86 48 86 57; line # 2
        76 43 84 43; line # 1.5 10 40 14 40; disc # 62 60 1.2; disc # 82 61 1.2; line # 2 100 42
        100 57""",
    "shahada": """line # 2.2 4 22 4 52; line # 2.2 12 20 12 50 22 54; line # 2.2 20 20 20 48; line
        # 2.2 28 22 30 50 40 52; line # 2.2 36 20 37 46; line # 2.2 44 20 46 50 56 46; line # 2.2
        53 20 54 44; line # 2.2 62 22 62 50 72 52; line # 2.2 70 20 71 46; line # 2.2 78 22 80 52;
        line # 2.2 87 20 88 48; line # 2.2 95 22 95 52; line # 2 2 56 20 58 36 54 50 58 66 55 84 58
        98 54; line # 2 6 34 18 36; line # 2 40 34 52 32 62 36; line # 2 74 34 94 34; line # 1.8 22
        28 34 30; line # 1.8 64 28 76 27; loop # 1.8 26 43 4 8; loop # 1.8 60 41 4 8; loop # 1.8 84
        42 4 8; disc # 10 28 1.6; disc # 48 27 1.6; disc # 32 38 1.5; disc # 68 39 1.5; line # 2.8
        14 72 84 72; poly # 14 70.5 8 72 14 73.6; line # 2 80 67 80 77; line # 3.5 82 72 90 73.5;
        disc # 91 74 2.4""",
    "iran": """rect # 47.5 10 5 84; crescent # 44 48 38 38 9 75; crescent # 56 48 38 38 9 -75;
        crescent # 48 46 26 28 9 80; crescent # 52 46 26 28 9 -80; arc # 46 4 6 3 90 250; arc # 54
        4 6 3 110 270""",
}
