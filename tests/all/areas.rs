//! Areas: which units belong to them, which connections they give, and whether every unit is reached.

use ndarray::{Array2, s};
use proptest::prelude::*;
use psychrnn::areas::{AreaSize, Areas, check_strongly_connected};

/// Whether every unit reaches every other one, by repeated squaring of "is reached in at most so many steps".
fn all_reached(recurrent: &Array2<f32>) -> bool {
    let n = recurrent.nrows();
    let mut reached = recurrent + &Array2::<f32>::eye(n);
    for _ in 0..n.ilog2() + 1 {
        reached = reached.dot(&reached).mapv(|paths| f32::from(u8::from(paths > 0.0)));
    }
    reached.iter().all(|&reached| reached == 1.0)
}

#[test]
fn units_are_parted_among_areas_with_the_excitatory_ones_first() {
    let areas = Areas::new().area("a", 10).area("b", (3, 4)).area("c", 5).excitatory(0.8).connect("a", "b", 1.0);
    assert_eq!((areas.n_units(), areas.n_excitatory()), (22, Some(15)));
    let units = |name| areas.units(name).unwrap();
    assert_eq!(units("a"), [0, 1, 2, 3, 4, 5, 6, 7, 15, 16]);
    assert_eq!(units("b"), [8, 9, 10, 17, 18, 19, 20]);
    assert_eq!(units("c"), [11, 12, 13, 14, 21]);
    let mut all = ["a", "b", "c"].map(units).concat();
    all.sort_unstable();
    assert_eq!(all, (0..22).collect::<Vec<_>>());
    assert_eq!(Areas::new().area("one", 7).n_excitatory(), None);
}

#[test]
fn connections_are_as_probable_as_was_said() {
    let areas = Areas::new()
        .area("sensory", 200)
        .area("motor", 100)
        .excitatory(0.8)
        .within("sensory", (0.1, 0.5))
        .connect("sensory", "motor", 1.0)
        .connect("motor", "sensory", (0.2, 0.0))
        .input([0, 2], "sensory")
        .input([2], "motor")
        .output(1..2, "motor")
        .seed(3);
    let masks = areas.masks(3, 2).unwrap();
    let share = |to: &str, from: std::ops::Range<usize>| {
        let rows = areas.units(to).unwrap();
        let n = (rows.len() * from.len()) as f32;
        rows.into_iter().map(|post| masks.recurrent.slice(s![post, from.clone()]).sum()).sum::<f32>() / n
    };
    let (excitatory, inhibitory) =
        (|name| areas.excitatory_units(name).unwrap(), |name| areas.inhibitory_units(name).unwrap());
    // Standard deviations of these shares are below 0.005.
    assert!((share("sensory", excitatory("sensory")) - 0.1).abs() < 0.02);
    assert!((share("sensory", inhibitory("sensory")) - 0.5).abs() < 0.03);
    assert!((share("sensory", excitatory("motor")) - 0.2).abs() < 0.02);
    assert_eq!(share("sensory", inhibitory("motor")), 0.0);
    assert_eq!(share("motor", inhibitory("sensory")), 1.0);
    assert!((share("motor", excitatory("motor")) - 0.99).abs() < 1e-6, "all but the autapses");
    assert_eq!(masks.recurrent.diag().sum(), 0.0);
    for (channel, expected) in [(0, ["sensory"].as_slice()), (1, &["sensory", "motor"]), (2, &["sensory", "motor"])] {
        let reached: f32 = masks.input.column(channel).sum();
        assert_eq!(reached as usize, expected.iter().map(|name| areas.units(name).unwrap().len()).sum::<usize>());
    }
    assert_eq!((masks.output.row(0).sum(), masks.output.row(1).sum()), (300.0, 100.0));
    assert_eq!(areas.masks(3, 2).unwrap(), masks);
    assert_ne!(areas.clone().seed(4).masks(3, 2).unwrap().recurrent, masks.recurrent);
    // Another area changes nothing about what was drawn between these two.
    let more = areas.clone().area("parietal", 10).connect("motor", "parietal", 1.0).connect("parietal", "motor", 1.0);
    let among = |areas: &Areas, recurrent: &Array2<f32>| -> f32 {
        let (from, to) = (areas.units("motor").unwrap(), areas.units("sensory").unwrap());
        let weight = |(i, &post): (usize, &usize)| {
            from.iter().zip(i..).map(|(&pre, j)| (j % 97) as f32 * recurrent[[post, pre]]).sum::<f32>()
        };
        to.iter().enumerate().map(weight).sum()
    };
    assert_eq!(among(&more, &more.masks(3, 2).unwrap().recurrent), among(&areas, &masks.recurrent));
}

proptest! {
    #[test]
    fn a_graph_is_refused_exactly_if_a_unit_is_not_reached(n in 1_usize..9, p in 0.0_f32..0.6, seed: u64) {
        let areas = Areas::new().area("one", n).within("one", p).seed(seed);
        let graph = areas.clone().strongly_connected(false).masks(1, 1).unwrap().recurrent;
        prop_assert_eq!(areas.masks(1, 1).is_ok(), all_reached(&graph));
        prop_assert_eq!(check_strongly_connected(&graph).is_ok(), all_reached(&graph));
    }
}

#[test]
fn errors_name_the_units_that_are_lost_and_arguments_that_make_no_sense() {
    let one_way = Areas::new().area("in", 4).area("out", 2).connect("in", "out", 1.0);
    let of = |areas: Areas| areas.masks(2, 1).unwrap_err().to_string();
    let error = of(one_way.clone());
    assert!(error.contains("units 4, 5 of \"out\" that do not reach the others"), "{error}");
    assert!(one_way.clone().strongly_connected(false).masks(2, 1).is_ok());
    let error = of(one_way.clone().area("island", 1));
    assert!(error.contains("unit 6 of \"island\" that the others do not reach"), "{error}");
    for (areas, words) in [
        (Areas::new(), ["`area`", "missing"]),
        (one_way.clone().area("in", 2), ["area \"in\"", "once"]),
        (one_way.clone().area("none", 0), ["area \"none\"", "at least one"]),
        (one_way.clone().area("mixed", (3, 1)), ["area \"in\"", "two numbers"]),
        (one_way.clone().connect("in", "elsewhere", 0.5), ["elsewhere", "\"out\""]),
        (one_way.clone().connect("out", "in", 1.5), ["probability", "1.5"]),
        (one_way.clone().connect("out", "in", (0.5, 0.1)), ["no classes", "0.1"]),
        (one_way.clone().excitatory(0.0), ["excitatory", "above 0"]),
        (one_way.clone().connect("out", "in", 1.0).input([2], "in"), ["input", "there are 2"]),
        (one_way.clone().connect("out", "in", 1.0).output([0], "elsewhere"), ["output", "elsewhere"]),
    ] {
        let error = of(areas);
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    for size in
        [AreaSize::from(usize::MAX), (usize::MAX, usize::MAX).into(), (usize::MAX - 1, 2).into(), 1_000_001.into()]
    {
        let huge = Areas::new().area("one", size).area("two", (3, 1));
        assert!(huge.units("two").unwrap_err().to_string().contains("at most 1000000 units"));
        assert!(of(huge.clone()).contains("at most 1000000 units"), "{size:?}");
        assert!(huge.n_units() > 1_000_000 && huge.n_excitatory() > Some(3));
        drop((huge.excitatory_units("two"), huge.inhibitory_units("two")));
    }
    let all = Areas::new().area("one", 3).input(0..usize::MAX, "one");
    assert!(of(all).contains("there are 2"));
    assert!(Areas::new().area("one", 3).masks(usize::MAX, 1).unwrap_err().to_string().contains("`n_in`"));
}
