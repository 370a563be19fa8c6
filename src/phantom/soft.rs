//! Everything that is not spine: skin, fat, muscle, throat, skull base and hindbrain.

use super::bone::WALL;
use super::texture::{bump, capsule, cover, ellipse, smooth_max, smooth_min, smooth_step, strands};
use super::tissue::{Painter, Site};

impl Painter<'_> {
    /// Signed distance to the skin: positive in the air.
    pub(super) fn skin(&self, site: &Site) -> f32 {
        let curved = 0.008 * site.x * site.x;
        (site.y - self.face(site.z) + curved).max(self.nape(site.z) + curved - site.y)
    }

    /// y of the skin of the back: hollow at the neck, out again over head and shoulders.
    pub(super) fn nape(&self, z: f32) -> f32 {
        let hollow = 30.0 * smooth_step(0.0, 85.0, z) + 14.0 * smooth_step(-45.0, -95.0, z);
        self.anatomy.section(z).y - self.anatomy.neck_back - hollow
    }

    /// y of the skin of the front: chin, throat, and out again over the chest.
    fn face(&self, z: f32) -> f32 {
        let a = self.anatomy;
        let below = smooth_step(a.chin + 2.0, a.chin - 16.0, z);
        let jaw = a.neck_front + 75.0 * (1.0 - below);
        jaw - 0.05 * (z + 60.0) + 0.25 * (-85.0 - z).max(0.0)
    }

    /// Soft tissue of the neck, under everything else.
    pub(super) fn neck(&self, site: &Site, signal: &mut f32) {
        *signal = self.palette.muscle * (1.0 + 0.25 * self.noise(41, site, [6.0, 4.0, 7.0]));
        if site.depth < 0.0 {
            self.back_muscles(site, signal);
        } else {
            self.throat(site, signal);
        }
    }

    /// Skin and the fat under it, over everything that lies deeper.
    pub(super) fn subcutaneous(&self, site: &Site, skin: f32, signal: &mut f32) {
        let posterior = site.depth < 0.0;
        let thickness = if posterior {
            if skin < -1.5 * (self.anatomy.fat + 4.0) {
                return;
            }
            let hump = 1.0 + 0.5 * smooth_step(-20.0, -90.0, site.z);
            let edge = 1.5 * self.noise(42, site, [20.0, 20.0, 14.0]);
            (self.anatomy.fat + edge) * hump
        } else {
            4.0 + 8.0 * bump(site.z, self.anatomy.chin - 4.0, 10.0)
        };
        let depth = -skin;
        let edge = self.edge;
        if depth > thickness + 2.0 + edge {
            return;
        }
        // Fascia, then fat with its septa, then skin.
        let fascia = cover((depth - thickness - 0.8).abs() - 0.8, edge);
        self.paint(signal, 0.8 * fascia, self.palette.dark);
        let seed = self.anatomy.seed.wrapping_add(43);
        let slanted = [site.x, site.y + 0.35 * site.z, site.z - 0.2 * site.y];
        let septa = strands(seed, slanted, [9.0, 4.0, 5.0], 0.16)
            .max(0.8 * strands(seed ^ 5, slanted, [12.0, 7.0, 3.4], 0.12));
        let fat =
            self.palette.fat * (1.0 - 0.45 * septa) * (1.0 + 0.05 * self.noise(44, site, [5.0; 3]));
        self.paint(signal, cover(depth - thickness, edge), fat);
        self.paint(signal, 0.7 * cover(depth - 1.3, edge), self.palette.muscle);
    }

    /// Muscle bundles with fat between them; fat and the nuchal ligament in the midline.
    fn back_muscles(&self, site: &Site, signal: &mut f32) {
        let seed = self.anatomy.seed.wrapping_add(51);
        let behind = site.section.canal_back - site.depth;
        // Fibres fan out downwards and backwards.
        let across = site.y + 0.30 * site.z;
        let lines = [site.x, across, site.z - 0.5 * site.y];
        let bundles = strands(seed, lines, [10.0, 6.5, 40.0], 0.22);
        let fine = strands(seed ^ 3, lines, [7.0, 3.2, 22.0], 0.30);
        let midline = smooth_step(9.0, 2.5, site.side.abs());
        let content = self.anatomy.fatty_muscle;
        let patch = 0.5 + 0.5 * self.noise(52, site, [9.0, 10.0, 26.0]);
        let islands = smooth_step(0.62, 0.85, patch + 0.30 * midline * content);
        let fat =
            (content * (0.55 * bundles + 0.35 * fine) + 0.75 * islands * content.max(0.3)).min(0.9);
        self.paint(signal, fat, 0.85 * self.palette.fat);
        // The nuchal ligament runs from the skull to the tips of the lower processes.
        let reach = 38.0 + 6.0 * smooth_step(-20.0, 60.0, site.z);
        let wave = 1.2 * self.noise(53, site, [30.0, 30.0, 16.0]);
        let ligament = (behind - reach - wave).abs() - 1.1;
        self.paint(signal, 0.75 * midline.max(0.35) * self.cover(ligament), self.palette.dark);
    }

    /// Prevertebral muscle, airway, tongue and jaw.
    fn throat(&self, site: &Site, signal: &mut f32) {
        let a = self.anatomy;
        let wall = site.section.canal_front + WALL + 16.5;
        let front = site.depth - wall;
        let (low, dark) = (smooth_step(-38.0, -55.0, site.along), self.palette.dark);
        // Fatty planes between the muscles of the throat.
        let seed = a.seed.wrapping_add(61);
        let planes = strands(seed, [site.x, site.y, site.z], [12.0, 5.0, 24.0], 0.25);
        self.paint(signal, 0.25 * planes, self.palette.fat);
        let mottled =
            self.noise(62, site, [5.0, 4.0, 6.0]).max(0.0) * bump(site.along, -32.0, 16.0);
        self.paint(signal, 0.5 * mottled * smooth_step(4.0, 8.0, front), self.palette.fat);

        // Tongue: large, dim, with fine fibres.
        let tongue = ellipse([site.depth - wall - 38.0, site.along - a.chin - 38.0], [26.0, 25.0]);
        let fibre = 0.2 * self.noise(63, site, [6.0, 2.5, 9.0]);
        self.paint(signal, self.cover(tongue), self.palette.muscle * (1.25 + fibre));
        let palate = capsule([front, site.along - a.chin], [8.0, 52.0], [60.0, 68.0], [3.0, 2.0]);
        self.paint(signal, self.cover(palate), self.palette.muscle * 1.5);
        let jaw = ellipse([front - 66.0, site.along - a.chin - 12.0], [7.0, 12.0]);
        self.paint(signal, self.cover(jaw), dark);
        self.paint(signal, self.cover(jaw + 1.6), 0.7 * self.palette.fat);

        // Airway: behind the soft palate, the larynx, then the windpipe.
        let radius = 4.2 + 2.6 * low - 2.6 * bump(site.along, -34.0, 7.0)
            + 2.0 * bump(site.along, 32.0, 14.0)
            - 7.0 * smooth_step(44.0, 66.0, site.along);
        let middle = 7.0 + radius + 4.5 * low + 2.0 * bump(site.along, -15.0, 18.0);
        let airway = ellipse([front - middle, site.side], [radius.max(0.1), 8.5]);
        let wall_signal = 1.5 * self.palette.muscle;
        self.paint(signal, self.cover(airway.abs() - 1.2), wall_signal);
        self.paint(signal, self.cover(airway), 0.0);
        // The epiglottis rises between tongue and larynx.
        let epiglottis = capsule(
            [front, site.along - a.chin],
            [middle + 1.0, -8.0],
            [middle + 3.0, 14.0],
            [2.0, 1.0],
        )
        .max(site.side.abs() - 6.0);
        self.paint(signal, self.cover(epiglottis), 2.2 * self.palette.muscle);

        let prevertebral = (front - 2.2).abs() - 1.8;
        self.paint(signal, self.cover(prevertebral), self.palette.muscle * 1.2);
    }

    /// Skull base, hindbrain and the fluid around it.
    pub(super) fn head(&self, site: &Site, signal: &mut f32) {
        let up = site.z - self.anatomy.foramen;
        if up < -14.0 {
            return;
        }
        let forward = site.depth;
        let bowl =
            ellipse([forward + 22.0, up - 49.0], [54.0, 50.0]) + 0.012 * site.side * site.side;
        let clivus = 0.863 * (forward - 9.5) - 0.504 * up;
        let inside = smooth_max(bowl, clivus, 6.0);
        let thickness = if clivus > bowl { 9.0 } else { 6.0 };
        let bone = inside - thickness;
        self.paint(signal, self.cover(bone), self.palette.dark);
        let marrow = (bone + 1.3).max(1.4 - inside);
        let texture = 1.0 + 0.15 * self.noise(71, site, [4.0, 3.0, 3.0]);
        self.paint(signal, self.cover(marrow), 1.15 * self.palette.marrow * texture);
        self.paint(signal, self.cover(inside), self.palette.fluid);
        if inside > 0.0 {
            return;
        }
        // Cerebellum: leaves separated by thin fluid, around a core of white matter.
        let beside = 1.2 * (site.side.abs() - 6.0).clamp(0.0, 16.0);
        let place = [forward + 33.0 - beside, up - 42.0];
        let cerebellum = ellipse(place, [32.0, 36.0]).max(inside + 2.2);
        let tonsil = ellipse([forward + 14.0, up - 12.0], [6.0, 9.0]).max(inside + 2.0);
        let distance = smooth_min(cerebellum, tonsil, 6.0);
        let angle = place[1].atan2(place[0] - 22.0);
        let warp = 1.5 * self.noise(72, site, [8.0, 8.0, 8.0]);
        let leaves = (26.0 * angle + 2.0 * warp).sin();
        let shallow = smooth_step(-20.0, -2.0, distance);
        let fissure = smooth_step(0.55, 1.0, leaves) * shallow;
        let brain = self.palette.brain * (1.0 + 0.06 * warp);
        let folded = brain + 0.55 * fissure * (self.palette.fluid - brain);
        self.paint(signal, self.cover(distance), folded);
    }
}
