/**
 * The systems that each rule of protocol.md F.1 applies to, copied from its table.
 *
 * @module
 */

const TABLE = `
F01 RVGM|F02 R|F03 VM|F04 VGM|F05 VGM|F06 G|F07 G|F08 G|F09 G|F10 G|F11 G|F12 G|F13 G|F14 VGM
F15 VGM|F16 VGM|F17 VGM|F18 R|F19 RVM|F20 RVM|F21 VGM|F22 VGM|F23 VGM|F24 RVGM|F25 VM|F26 VM
F27 VM|F28 VM|F29 VM|F30 *|F31 *|F32 *|F33 VGMST|F34 MS|F35 MS|F36 MS|F37 *|F38 VMS|F39 MS|F40 MS
F41 M|F42 S|F43 S|F44 VS|F45 VMS|F46 VMS|F47 V|F48 R|F49 VM|F50 VGM|F51 VS|F52 VS|F53 VMS|F54 VS
F55 VS|F56 VS|F57 V|F58 *|F59 *|F60 SVM|F61 *|F62 S|F63 S|F64 S|F65 S|F66 S|F67 S|F68 S|F69 SV
F70 S|F71 S|F72 S|F73 S|F74 S|F75 S|F76 RV|F77 RV|F78 RVM|F79 R|F80 RV|F81 SV|F82 SV|F83 V|F84 SV
F85 S|F86 SV|F87 M|F88 R|F89 V|F90 V|F91 VG|F92 V|F93 M|F94 *|F95 *|F96 M|F97 VM|F98 S|F99 T
F100 *|F101 M|F102 M|F103 M|F104 S`;

/** Letters by rule, as the table has them. */
export const LETTERS: ReadonlyMap<string, string> = new Map(
  TABLE.trim().split(/[|\n]/).map((item) => {
    const [id = "", letters = ""] = item.split(" ");
    return [id, letters];
  }),
);

/** Rules that the house applies to mainline jump as well, by its own commit and filter. */
export const ALSO_MAINLINE: ReadonlySet<string> = new Set(["F47", "F51", "F52"]);
