//! The vertebral column: bodies, discs, arches, processes and the ligaments between them.

use super::anatomy::{IntervertebralDisc, Vertebra};
use super::texture::{bump, capsule, ellipse, smooth_min, smooth_step, strands};
use super::tissue::{Painter, Site};

/// Thickness of cortical bone, mm.
const CORTEX: f32 = 1.0;
/// Distance from the canal to the vertebral bodies: dura, fat and ligament, mm.
pub(super) const WALL: f32 = 1.3;

impl Painter<'_> {
    /// Paints the column around the canal.
    pub(super) fn spine(&self, site: &Site, signal: &mut f32) {
        let above_dens = self.anatomy.vertebrae[0].bottom + 46.0;
        if site.along > above_dens || site.depth > 34.0 || site.depth < -52.0 {
            return;
        }
        if site.depth < site.section.canal_back + 1.0
            && site.depth > site.section.canal_back - 40.0
            && site.along < above_dens - 18.0
        {
            self.interlaminar(site, above_dens - 18.0, signal);
        }
        self.pillars(site, signal);
        if site.depth > 0.0 {
            self.column(site, signal);
        }
        for vertebra in &self.anatomy.vertebrae {
            if site.depth < 0.0 {
                self.arch(site, vertebra, signal);
            }
        }
        self.atlas(site, signal);
    }

    /// Paints a piece of bone given the signed distance to its surface: cortex around marrow.
    fn bone(&self, site: &Site, distance: f32, tone: f32, signal: &mut f32) {
        let coverage = self.cover(distance);
        if coverage == 0.0 {
            return;
        }
        self.paint(signal, coverage, self.palette.dark);
        let texture = 1.0
            + 0.10 * self.noise(21, site, [3.0, 2.0, 2.0])
            + 0.10 * self.noise(22, site, [8.0, 7.0, 7.0]);
        let marrow = self.palette.marrow * tone * texture;
        self.paint(signal, self.cover(distance + CORTEX), marrow);
    }

    /// Depth of the back of the vertebral bodies. Discs bulge behind it.
    fn wall(&self, site: &Site) -> f32 {
        let bulge: f32 = self
            .anatomy
            .discs
            .iter()
            .filter(|disc| (disc.along - site.along).abs() < 8.0)
            .map(|disc| disc.bulge * bump(site.along, disc.along, 2.2))
            .sum();
        site.section.canal_front + bulge + WALL
    }

    /// Discs and bodies, from the ligament in front of the canal to the one in front of the spine.
    fn column(&self, site: &Site, signal: &mut f32) {
        let wall = self.wall(site);
        let Some(index) = self
            .anatomy
            .vertebrae
            .iter()
            .zip(&self.anatomy.discs)
            .position(|(_, disc)| site.along > disc.along)
        else {
            return;
        };
        let vertebra = &self.anatomy.vertebrae[index];
        let below = &self.anatomy.discs[index];
        let above = index.checked_sub(1).map(|i| &self.anatomy.discs[i]);
        let nearest = match above {
            Some(disc) if disc.along - site.along < site.along - below.along => disc,
            _ => below,
        };
        let forward = site.depth - wall - 0.5 * vertebra.depth;
        self.disc(site, forward, vertebra, nearest, signal);
        if vertebra.number == 2 {
            self.axis(site, wall, vertebra, signal);
        } else {
            self.body(site, forward, vertebra, signal);
        }
    }

    /// Ligaments, annulus and nucleus. `forward` is the distance in front of the column's middle.
    fn disc(
        &self,
        site: &Site,
        forward: f32,
        vertebra: &Vertebra,
        nearest: &IntervertebralDisc,
        signal: &mut f32,
    ) {
        let middle = 0.5 * vertebra.depth;
        // One dark sheath that the discs widen.
        let is_disc = bump(site.along, nearest.along, 2.4);
        let top_of_column = site.along - self.anatomy.vertebrae[0].bottom - 1.0;
        let sheath = (forward.abs() - middle - 0.6 - 0.8 * is_disc)
            .max(site.side.abs() - vertebra.half_width - 1.0)
            .max(top_of_column);
        self.paint(signal, self.cover(sheath), self.palette.dark * 1.5);
        let annulus = (sheath + 1.2).max((site.along - nearest.along).abs() - 0.5 * nearest.height);
        self.paint(signal, self.cover(annulus), 0.38 * self.palette.disc);

        let nucleus = ellipse(
            [forward, site.along - nearest.along],
            [middle - 2.5, 0.5 * nearest.height + 0.2],
        )
        .max(site.side.abs() - vertebra.half_width + 2.0);
        let age = 1.0 - 0.6 * nearest.degeneration;
        let cleft = 1.0 - 0.35 * bump(site.along, nearest.along, 0.7) * age;
        let signal_of_disc = self.palette.disc * age * cleft;
        self.paint(signal, self.cover(nucleus).min(0.9), signal_of_disc);
    }

    /// Body of a vertebra below C2. `forward` as for [`Self::disc`].
    fn body(&self, site: &Site, forward: f32, vertebra: &Vertebra, signal: &mut f32) {
        let middle = 0.5 * vertebra.depth;
        let centre = 0.5 * (vertebra.top + vertebra.bottom);
        let half = 0.5 * (vertebra.top - vertebra.bottom);
        // Waisted in front and behind; endplates slightly hollow, with raised sides.
        let t = ((site.along - centre) / half).clamp(-1.0, 1.0);
        let waist = 0.9 * (1.0 - t * t);
        let u = (forward / middle).clamp(-1.0, 1.0);
        let hollow = 0.7 * (1.0 - u * u);
        let distance = rounded(
            forward.abs() - (middle - waist),
            (site.along - centre).abs() - (half - hollow),
            site.side.abs() - vertebra.half_width,
        );
        self.bone(site, distance, vertebra.tone, signal);
        // The basivertebral vein enters from behind.
        let vein = capsule(
            [forward, site.along - centre],
            [-middle, 0.0],
            [-0.35 * middle, 0.0],
            [1.3, 0.4],
        )
        .max(site.side.abs() - 3.0);
        self.paint(signal, 0.5 * self.cover(vein), self.palette.fat);
    }

    /// C2: body with the dens on top.
    fn axis(&self, site: &Site, wall: f32, vertebra: &Vertebra, signal: &mut f32) {
        let size = (vertebra.top - vertebra.bottom) / 18.0;
        let point = [site.depth - wall, site.along - vertebra.bottom];
        let body = rounded(
            (point[0] - 7.0 * size).abs() - 7.2 * size,
            (point[1] - 8.0 * size).abs() - 8.0 * size,
            site.side.abs() - vertebra.half_width,
        );
        let dens = capsule(point, [6.5 * size, 8.0], [5.2 * size, 31.0 * size], [5.6, 4.4])
            .max(site.side.abs() - 5.0);
        self.bone(site, smooth_min(body, dens, 2.0), vertebra.tone * 0.95, signal);
        // Remnant of the growth plate at the base of the dens.
        let plate = ellipse([point[0] - 6.5 * size, point[1] - 15.5 * size], [3.5, 0.7])
            .max(site.side.abs() - 4.0);
        self.paint(signal, 0.7 * self.cover(plate), self.palette.dark);
    }

    /// C1: front arch before the dens, back arch behind the canal, lateral masses beside it.
    fn atlas(&self, site: &Site, signal: &mut f32) {
        let axis = &self.anatomy.vertebrae[0];
        let size = (axis.top - axis.bottom) / 18.0;
        let height = axis.bottom + 26.0 * size;
        if (site.along - height).abs() > 14.0 {
            return;
        }
        let front =
            site.section.canal_front + WALL + 14.0 * size - 0.12 * site.side.powi(2).min(60.0);
        let arch = ellipse([site.depth - front, site.along - height], [2.9, 5.2]);
        self.bone(site, arch.max(site.side.abs() - 9.0), 1.15, signal);
        let back = site.section.canal_back - 4.5 + 0.02 * site.side.powi(2);
        let arch = ellipse([site.depth - back, site.along - height - 1.0], [3.2, 4.2]);
        self.bone(site, arch.max(site.side.abs() - 14.0), 1.15, signal);
        let mass = ellipse([site.depth - 5.0, site.along - height], [8.0, 7.0])
            .max(11.5 + 2.0 - site.side.abs());
        self.bone(site, mass, 1.0, signal);
    }

    /// Lamina and spinous process of one vertebra.
    fn arch(&self, site: &Site, vertebra: &Vertebra, signal: &mut f32) {
        let [length, drop, radius] = vertebra.process;
        let centre = 0.5 * (vertebra.top.min(vertebra.bottom + 18.0) + vertebra.bottom);
        if site.along > centre + 14.0 || site.along < centre - drop - 20.0 {
            return;
        }
        let base = site.section.canal_back - 2.8;
        let point = [site.depth, site.along];
        let start = [base - 1.0, centre - 5.0];
        let tip = [base - length, centre - 5.0 - drop];
        let process = capsule(point, start, tip, [0.68 * radius, radius]);
        let process = lateral(process, site.side.abs() - 2.6 - 0.5 * (radius - 3.8).max(0.0));
        // The laminae slope forwards from the midline to the pillars.
        let depth = base + 0.35 * (site.side.abs() - 2.0).max(0.0);
        let lamina =
            capsule(point, [depth + 0.8, centre + 1.5], [depth - 1.2, centre - 7.0], [2.2, 3.0]);
        let lamina = lateral(lamina, site.side.abs() - 13.0);
        self.bone(site, smooth_min(process, lamina, 2.0), vertebra.tone * 1.05, signal);
    }

    /// Behind the canal: yellow ligament, fat between the laminae, ligaments between processes.
    fn interlaminar(&self, site: &Site, top: f32, signal: &mut f32) {
        let back = site.section.canal_back;
        let midline = smooth_step(7.0, 3.0, site.side.abs());
        let ragged = 5.0 * self.noise(33, site, [12.0, 9.0, 7.0]);
        let near = smooth_step(34.0, 20.0, back - site.depth + ragged);
        let below = smooth_step(0.0, -9.0, site.along - top + ragged);
        let fat = self.cover(site.depth - back) * near * below * midline;
        let seed = self.anatomy.seed.wrapping_add(31);
        let fibres = strands(seed, [site.x, site.y + 0.6 * site.z, site.z], [3.0, 6.0, 2.2], 0.5);
        let patchy = 0.75 + 0.35 * self.noise(32, site, [4.0, 9.0, 7.0]);
        let between = self.palette.fat * patchy * (1.0 - 0.45 * fibres);
        self.paint(signal, 0.8 * fat, between.max(self.palette.muscle));
        let flavum = (site.depth - back + 1.2).abs() - 0.8;
        self.paint(signal, 0.8 * self.cover(flavum), self.palette.dark);
    }

    /// Beside the canal: articular pillars, joints between them, and the foramina in front.
    fn pillars(&self, site: &Site, signal: &mut f32) {
        let side = site.side.abs();
        let beside = smooth_step(9.5, 12.5, side);
        if beside == 0.0 || site.depth < -18.0 || site.depth > 24.0 {
            return;
        }
        let fat = self.palette.fat * 0.55;
        let root = 0.6 * self.palette.cord;
        for (vertebra, disc) in self.anatomy.vertebrae.iter().zip(&self.anatomy.discs) {
            let centre = vertebra.bottom + 7.0;
            if (site.along - centre).abs() > 20.0 {
                continue;
            }
            // Pillars overlap like roof tiles, tilted by half a right angle.
            let (a, b) = (site.depth + 6.0, site.along - centre + 2.0);
            let (a, b) = (0.8 * a + 0.6 * b, -0.6 * a + 0.8 * b);
            let pillar = ellipse([a, b], [7.2, 6.0]).max(side - 22.0).max(11.0 - side);
            self.bone(site, pillar, vertebra.tone, signal);
            // Pedicle and transverse process reach forwards to the body.
            let pedicle = capsule(
                [site.depth, site.along],
                [-4.0, centre + 2.0],
                [13.0, centre + 0.5],
                [4.0, 3.2],
            );
            self.bone(site, pedicle.max(10.0 - side).max(side - 20.0), vertebra.tone, signal);
            // Foramen with its root, and the vertebral artery.
            let hole = ellipse([site.depth - 4.0, site.along - disc.along], [4.2, 5.2]);
            self.paint(signal, beside * self.cover(hole), fat);
            let nerve = ellipse([site.depth - 3.2, site.along - disc.along + 1.0], [2.0, 2.2]);
            self.paint(signal, beside * self.cover(nerve), root);
        }
        let artery = ellipse([site.depth - 9.5, side - 17.5], [2.3, 2.3]);
        self.paint(signal, self.cover(artery), self.palette.dark);
    }
}

/// Signed distance to a box with rounded edges, from the distances to its three pairs of faces.
fn rounded(a: f32, b: f32, c: f32) -> f32 {
    const RADIUS: f32 = 1.6;
    let outside = |d: f32| (d + RADIUS).max(0.0);
    let corner = (outside(a).powi(2) + outside(b).powi(2)).sqrt() - RADIUS;
    corner.min(0.0).max(a.max(b)).max(corner).max(c)
}

/// Cuts a shape of the sagittal plane off to the side, with rounded edges.
fn lateral(distance: f32, side: f32) -> f32 {
    rounded(distance, side, f32::NEG_INFINITY)
}
