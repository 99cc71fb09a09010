use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn run(args: &[&str]) -> Result<serde_json::Value, String> {
    let line =
        Line::try_parse_from(std::iter::once(&"score").chain(args)).map_err(|e| e.to_string())?;
    let json = line.args.compute().map_err(|e| format!("{e:#}"))?;
    Ok(serde_json::from_str(&json).unwrap())
}

fn run_csv(text: &str) -> Result<serde_json::Value, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    run(&["--csv", path]).map_err(|error| error.replace(path, "table.csv"))
}

const GUANGDONG: &str = "445832,34635,1638682,210,935";

#[test]
fn the_figures_of_guangdong_print_as_json() {
    let json = run(&[
        "--levels",
        GUANGDONG,
        "--rounding",
        "truncate",
        "--digits",
        "4",
        "--claimed-mean",
        "7.8",
    ]);
    insta::assert_json_snapshot!(json.unwrap());
}

#[test]
fn a_channel_table_prints_its_shares() {
    let json = run_csv("\u{feff}渠道,count\n大厅其他终端,9958\n移动,6358\nPC,4581\n大厅平板,3885\n短信,8\n二维码,3\n").unwrap();
    let shares: Vec<_> = json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["share"]["value"].clone())
        .collect();
    assert_eq!(shares, ["40.16", "25.64", "18.48", "15.67", "0.03", "0.01"]);
    assert_eq!(
        (&json["total"], &json["printed_sum"]),
        (&24_793.into(), &"99.99".into())
    );
}

#[test]
fn a_table_of_levels_prints_each_row_and_the_sum() {
    let json = run_csv("window,n5,n4,n3,n2,n1,declined,timed_out,defaulted\nA01,1,0,0,0,1,1,1,9\nA02,2,0,0,0,0,0,0,0\n").unwrap();
    assert_eq!(json["rows"][0]["figures"]["bad_rate"]["value"], "50.00");
    assert_eq!(
        json["rows"][1]["figures"]["satisfaction_rate"]["value"],
        "100.00"
    );
    assert_eq!(
        json["total"]["figures"]["satisfaction_rate"]["value"],
        "75.00"
    );
    assert_eq!(json["total"]["figures"]["participation"]["value"], "66.67");
    assert_eq!(json["total"]["counts"]["defaulted"], 9);
}

#[rstest::rstest]
#[case::four(&["--levels", "1,2,3,4"], "--levels needs five counts, from 非常满意 down to 非常不满意; got 4")]
#[case::text(&["--levels", "1,2,x,4,5"], "`x` is not a count")]
#[case::negative(&["--levels=-1,2,3,4,5"], "`-1` is not a count")]
#[case::digits(&["--levels", "1,2,3,4,5", "--digits", "10"], "10 is not in 0..=9")]
#[case::mean(&["--levels", "1,2,3,4,5", "--claimed-mean", "7,8"], "`7,8` is not a decimal number")]
#[case::nothing(&[], "required")]
#[case::no_file(&["--csv", "/does/not/exist.csv"], "could not read `/does/not/exist.csv`")]
fn bad_arguments_say_what_is_wanted(#[case] args: &[&str], #[case] message: &str) {
    let error = run(args).unwrap_err();
    assert!(error.contains(message), "{error}");
}

#[rstest::rstest]
#[case::thousands(
    "name,count\nPC,\"4,581\"\n",
    "line 2, column 2 (`count`): `4,581` is not a count: digits only, no thousands separators"
)]
#[case::missing_cell(
    "name,n5,n4,n3,n2,n1\nA,1,2,3,4,5\nB,1,2,3,4\n",
    "line 3: 5 columns where the header has 6"
)]
#[case::bad_cell(
    "name,n5,n4,n3,n2,n1\nA,1,2,3,4,5.0\n",
    "line 2, column 6 (`n1`): `5.0` is not a count"
)]
#[case::header("name,a,b\n", "line 1: the header is `name,a,b`; known are")]
#[case::half(
    "name,n5,n4,n3,n2,n1,declined\n",
    "line 1: `declined` without `timed_out`"
)]
#[case::twice(
    "name,count\nA,1\nB,1\nA,2\n",
    "line 4, column 1: `A` is also in line 2"
)]
#[case::unnamed("name,count\n,1\n", "line 2, column 1: the name is empty")]
#[case::no_rows("name,count\n", "no row below its header")]
#[case::empty("", "line 1: the header is ``")]
fn a_fault_in_a_table_names_its_place(#[case] text: &str, #[case] message: &str) {
    let error = run_csv(text).unwrap_err();
    assert!(error.contains(message), "{error}");
}
